import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { findExecutable, repositoryRoot } from '@ticketing/testkit';
import { addressIn, startStack } from './start-stack.ts';

interface Step {
  readonly commands: string;
  /** What the document shows as the answer. */
  readonly shown: string;
}

/** The session of a section: blocks to type, each with the block of text behind it, if there is one. */
function sessionOf(markdown: string, heading: string): Step[] {
  const section = markdown.split(/^##+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const blocks = [...section.matchAll(/^```(sh|text)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, kind, commands = ''], index) => {
    const [, next, shown = ''] = blocks[index + 1] ?? [];
    return kind === 'sh' ? [{ commands, shown: next === 'text' ? shown : '' }] : [];
  });
}

/** Ids, times, and where the seat is that chance gave: these differ from run to run. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/"(section|row|number)": [^\n]*/g, '"$1": <place>')
    .replaceAll(/("?amount"?): \d+/g, '$1: <price>')
    .replaceAll(/^200 \d+$/gm, '200 <bytes>')
    .trim();
}

function bash(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-e', '-c', script],
      { maxBuffer: 10_000_000, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`${error.message}\n${stdout}${stderr}`));
        else resolve(stdout);
      },
    );
  });
}

const canType = findExecutable('curl') !== undefined && findExecutable('bash') !== undefined;

it.skipIf(!canType).each([
  ['README.md', 'A worked example', {}],
  ['docs/tutorial.md', 'Sell a seat', {}],
  ['docs/tutorial.md', 'With authentication', { JWT_SECRET: 'a secret of at least thirty-two bytes' }],
] as const)('%s: the session "%s" answers as it is printed there', async (file, heading, env) => {
  const document = await readFile(join(repositoryRoot, file), 'utf8');
  const [get = ''] = /^get\(\) .*$/m.exec(document) ?? [];
  const steps = sessionOf(document, heading).filter(({ commands }) => !commands.includes('npm start'));
  expect(steps.some(({ shown }) => shown !== '')).toBe(true);

  const dataFolder = join(inject('ticketingTestServers').folder, `stack-${process.hrtime.bigint()}`);
  const run = await startStack(dataFolder, { env });
  try {
    const ready = await run.line('ready');
    const script = [get, ...steps.map(({ commands }) => `${commands}\necho "-- next --"`)].join('\n');
    const output = await bash(
      script
        .replaceAll('localhost:3001', addressIn(ready, 'booking-api'))
        .replaceAll('localhost:3002', addressIn(ready, 'payment-api')),
      env,
    );
    const answers = output.split('-- next --\n').slice(0, -1);
    expect(answers.map(withoutChance)).toEqual(steps.map(({ shown }) => withoutChance(shown)));
  } finally {
    run.signal('SIGTERM');
    expect(await run.ended).toBe(0);
    await rm(dataFolder, { recursive: true, force: true });
  }
});
