import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ServiceLog } from '../src/supervisor/service-log.ts';
import { waitFor } from '@ticketing/testkit';

let folder: string;
let shown: string[];
let log: ServiceLog;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-log-'));
  shown = [];
  log = new ServiceLog(join(folder, 'api.log'), (line) => shown.push(line));
});

afterEach(async () => {
  log.end();
  await rm(folder, { recursive: true });
});

it('shows warnings, errors and plain text, and keeps the rest for the file', async () => {
  const lines = [
    '{"level":30,"msg":"request completed"}',
    '{"level":40,"msg":"redis is away","err":{"message":"ECONNREFUSED"}}',
    '{"level":60,"msg":"could not start"}',
    'DATABASE_URL must be a postgres:// URL',
    '{"level":50,"msg":"cut o',
  ];
  for (const line of lines) log.write(line);
  expect(shown).toEqual([
    'warning: redis is away (ECONNREFUSED)',
    'fatal: could not start',
    'DATABASE_URL must be a postgres:// URL',
    '{"level":50,"msg":"cut o',
  ]);
  await waitFor(async () => (await readFile(join(folder, 'api.log'), 'utf8')) === `${lines.join('\n')}\n`, {
    description: 'the log to be written',
  });
});

it('shows the same warning once, however often it comes', () => {
  for (let n = 0; n < 1_000; n += 1) log.write(`{"level":40,"time":${n},"msg":"redis is away"}`);
  expect(shown).toEqual(['warning: redis is away']);
});
