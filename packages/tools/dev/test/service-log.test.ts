import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { waitFor } from '@ticketing/testkit';
import { openServiceLog } from '../src/supervisor/service-log.ts';

it('a service log writes every line to its file, and shows each warning, error and plain text once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'service-log-'));
  const shown: string[] = [];
  const log = openServiceLog(join(folder, 'api.log'), (text) => shown.push(text));
  const lines = [
    '{"level":30,"msg":"request completed"}',
    '{"level":40,"time":1,"msg":"circuit opened","err":{"message":"ECONNREFUSED"}}',
    '{"level":40,"time":2,"msg":"circuit opened","err":{"message":"ECONNREFUSED"}}',
    '{"level":60,"msg":"could not start"}',
    'DATABASE_URL must be a postgres:// URL',
    '{"level":50,"msg":"cut o',
  ];
  for (const line of lines) log.write(line);
  log.end();
  expect(shown).toEqual([
    'warning: circuit opened (ECONNREFUSED)',
    'fatal: could not start',
    'DATABASE_URL must be a postgres:// URL',
    '{"level":50,"msg":"cut o',
  ]);
  await waitFor(async () => (await readFile(join(folder, 'api.log'), 'utf8')) === `${lines.join('\n')}\n`, {
    description: 'the log to be written',
  });
  await rm(folder, { recursive: true });
});
