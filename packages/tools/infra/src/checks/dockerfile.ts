import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot, serviceNodeFlags } from '@ticketing/testkit';
import { DockerfileParser, ModifiableInstruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { findings } from './findings.ts';

export interface Instruction {
  /** In capitals: RUN. */
  readonly keyword: string;
  /** "--from=build" */
  readonly flags: readonly string[];
  readonly content: string;
}

export interface Stages {
  readonly build: readonly Instruction[];
  /** The stage that becomes the image. */
  readonly final: readonly Instruction[];
}

export const dockerfilePath = join(repositoryRoot, 'infra/docker/Dockerfile');

export async function readDockerfile(): Promise<Stages> {
  return stagesOf(await readFile(dockerfilePath, 'utf8'));
}

function stagesOf(text: string): Stages {
  const instructions = DockerfileParser.parse(text)
    .getInstructions()
    .map((instruction) => ({
      keyword: instruction.getKeyword(),
      flags: instruction instanceof ModifiableInstruction ? instruction.getFlags().map(String) : [],
      content: instruction.getArgumentsContent() ?? '',
    }));
  const last = instructions.findLastIndex(({ keyword }) => keyword === 'FROM');
  return { build: instructions.slice(0, last), final: instructions.slice(last) };
}

/** @returns the content of the last instruction with this keyword; empty without one */
export function lastContent(stage: readonly Instruction[], keyword: string): string {
  return stage.findLast((instruction) => instruction.keyword === keyword)?.content ?? '';
}

/** The services are started with the same flags everywhere. */
const command = `[${['node', ...serviceNodeFlags, 'dist/server.js'].map((word) => JSON.stringify(word)).join(', ')}]`;

/** Checks that the image is small, unprivileged and quick to stop. @returns one sentence for each finding */
export function checkDockerfile(text: string): string[] {
  const { build, final } = stagesOf(text);
  const last = (keyword: string) => lastContent(final, keyword);
  const all = (...keywords: string[]) => final.filter(({ keyword }) => keywords.includes(keyword));
  const env = all('ENV').flatMap(({ content }) => content.split(/\s+/));
  const copies = all('COPY', 'ADD').map(({ flags, content }) => `${flags.join(' ')} ${content}`);
  return [
    ...validate(text)
      // 1 is an error, 2 a warning; the rest is style.
      .filter(({ severity = 1 }) => severity <= 2)
      .map(({ message, range }) => `line ${range.start.line + 1}: ${JSON.stringify(message)}`),
    ...[...build, ...final].flatMap(({ keyword, content }) => {
      const secret = keyword === 'ARG' ? /password|secret|token/i : /(password|secret|token)\S*=/i;
      return findings({
        [`FROM ${content} is not Node 24`]: keyword === 'FROM' && !content.startsWith('node:24-'),
        [`${keyword} holds a secret`]: secret.test(content),
      });
    }),
    ...findings({
      'there is one stage only: the image would hold the build tools': build.length === 0,
      'USER is not a number other than 0': !/^[1-9]\d*(:[1-9]\d*)?$/.test(last('USER')),
      [`CMD is not ${command}: node gets the signals, with the heap that was measured`]:
        last('CMD') !== command,
      'ENTRYPOINT puts a program in front of node': last('ENTRYPOINT') !== '',
      'STOPSIGNAL is not the one that the services handle': !['', 'SIGTERM'].includes(last('STOPSIGNAL')),
      'there is no HEALTHCHECK': !/CMD \["node"/.test(last('HEALTHCHECK')),
      'ENV has no NODE_ENV=production': !env.includes('NODE_ENV=production'),
      'ENV has no HOST=0.0.0.0': !env.includes('HOST=0.0.0.0'),
      'the image holds more than the deployable folder of its service':
        copies.join() !== '--from=build /service ./',
      'the last stage runs a command': all('RUN').length > 0,
    }),
  ];
}

/** Checks that no secret, no history and no build of another machine gets into the build. */
export function checkDockerignore(text: string): string[] {
  const lines = text.split('\n');
  return ['.git', '.env', '.data', '**/node_modules', '**/dist']
    .filter((pattern) => !lines.includes(pattern))
    .map((pattern) => `.dockerignore lacks ${pattern}`)
    .concat(lines.filter((line) => line.startsWith('!')).map((line) => `.dockerignore takes back: ${line}`));
}
