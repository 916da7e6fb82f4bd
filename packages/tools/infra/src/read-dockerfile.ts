import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';

export interface Instruction {
  /** In capitals: FROM, RUN, … */
  readonly keyword: string;
  readonly rest: string;
}

export interface Stages {
  readonly build: readonly Instruction[];
  /** Of what becomes the image. */
  readonly final: readonly Instruction[];
}

export const dockerfilePath = join(repositoryRoot, 'infra/docker/Dockerfile');

/** The Dockerfile of the services as its instructions, by stage. */
export async function readDockerfile(): Promise<Stages> {
  return parseDockerfile(await readFile(dockerfilePath, 'utf8'));
}

export function parseDockerfile(text: string): Stages {
  const instructions = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): Instruction => {
      const [keyword = '', ...rest] = line.trim().split(/\s+/);
      return { keyword: keyword.toUpperCase(), rest: rest.join(' ') };
    });
  const last = instructions.findLastIndex(({ keyword }) => keyword === 'FROM');
  return { build: instructions.slice(0, last), final: instructions.slice(last) };
}
