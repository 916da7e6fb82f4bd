import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { neutralEnvironment, runCommand } from '@ticketing/testkit';
import { bootstrap, startStack } from './start-stack.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ops-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `npm run ops -- <args>` beside the stack of the folder. */
const ops = (...args: string[]) =>
  runCommand([process.execPath, bootstrap, 'ops', ...args], {
    env: { ...neutralEnvironment(), TICKETING_DATA_DIR: folder, PGSSLMODE: 'require' },
  });

it('npm run ops finds the servers of npm start, and says when npm start does not run', async () => {
  const notRunning = /^npm start does not run here/m;
  expect(await ops('audit')).toMatchObject({ code: 2, output: expect.stringMatching(notRunning) as string });
  const stack = await startStack(folder);
  await stack.line('ready');
  const audit = await ops('audit');
  expect(audit.output).toMatch(/^ticketing on 127\.0\.0\.1:\d+, as it was at 20/m);
  expect(audit.output).toContain('rebuilt from 0 booking records and 0 seat transitions; 0 violations');
  expect(audit.code).toBe(0);
  const jobs = await ops('jobs', 'failed');
  expect(jobs).toMatchObject({ code: 0, output: expect.stringContaining('No job has failed.\n') as string });
  const retired = await ops('events', 'retire');
  expect(retired.output).toContain(': 0 events over for 400 days');
  expect(retired.code).toBe(0);
  stack.signal('SIGTERM');
  expect(await stack.ended).toBe(0);
  expect((await ops('jobs', 'failed')).output).toMatch(notRunning);
});
