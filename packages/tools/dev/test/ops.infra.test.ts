import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contractVariables, repositoryRoot } from '@ticketing/testkit';
import { startStack } from './start-stack.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ops-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `npm run ops -- <args>` beside the stack of the folder. */
async function ops(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const steering = new Set<string>(contractVariables);
  const neutral = Object.entries(process.env).filter(([name]) => !steering.has(name));
  const env = { ...Object.fromEntries(neutral), TICKETING_DATA_DIR: folder };
  const bootstrap = join(repositoryRoot, 'packages/tools/dev/bootstrap.mjs');
  return new Promise((resolve) => {
    execFile(process.execPath, [bootstrap, 'ops', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

it('audit and jobs find the servers of npm start by themselves, and say when it does not run', async () => {
  expect(await ops('audit')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^npm start does not run here/) as string,
  });
  const stack = await startStack(folder);
  await stack.line('ready');
  const audit = await ops('audit');
  expect(audit.stdout).toMatch(/^ticketing on 127\.0\.0\.1:\d+, as it was at 20/m);
  expect(audit.stdout).toContain('replayed 0 records of bookings, 0 transitions of seats; 0 violations');
  expect(audit.code).toBe(0);
  expect(await ops('jobs', 'failed')).toMatchObject({
    code: 0,
    // The bootstrap says it first when it has something to build.
    stdout: expect.stringMatching(/^(Building\.\n)?No job has failed\.\n$/) as string,
  });
  expect(await ops('events', 'retire')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(': 0 events over for 400 days') as string,
  });
  stack.signal('SIGTERM');
  expect(await stack.ended).toBe(0);
  expect((await ops('jobs', 'failed')).stderr).toMatch(/^npm start does not run here/);
});
