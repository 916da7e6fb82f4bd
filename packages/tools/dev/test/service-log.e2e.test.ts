import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestStack, neutralEnvironment, spawnService, startService, waitFor } from '@ticketing/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openServiceLog, type ServiceLog } from '../src/supervisor/service-log.ts';

let folder: string;
let shown: string[];
let log: ServiceLog;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-log-'));
  shown = [];
  log = openServiceLog(join(folder, 'api.log'), (text) => shown.push(text));
});

afterEach(async () => {
  log.end();
  await rm(folder, { recursive: true });
});

it('a service log shows the warnings of a real service and its plain text, each once, and writes every line', async () => {
  await using stack = await createTestStack();
  const env = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl };
  const planted = `process.emitWarning('planted'); console.log('{"cut o')`;
  const nodeFlags = [`--import=data:text/javascript,${encodeURIComponent(planted)}`];
  await using service = await startService('booking-api', env, { nodeFlags });
  expect(await service.stop()).toMatchObject({ code: 0 });
  const levels = service.logRecords().map(({ level }) => level);
  expect(levels).toContain('info');

  const lines = service.logs().split('\n');
  for (const line of [...lines, ...lines]) log.write(line);
  const authentication =
    'authentication is off: user ids are believed as sent, and every request has every role';
  const [plain, ...warnings] = shown.filter((text) => !text.startsWith('('));
  expect(plain).toBe('{"cut o');
  expect(warnings).toContain(`warning: ${authentication}`);
  expect(warnings.every((text) => text.startsWith('warning: '))).toBe(true);
  expect(warnings).toHaveLength(levels.filter((level) => level === 'warn').length);
  expect(shown).toContainEqual(expect.stringMatching(/^\(node:\d+\) Warning: planted$/));
  await waitFor(
    async () => (await readFile(join(folder, 'api.log'), 'utf8')) === `${[...lines, ...lines].join('\n')}\n`,
    { description: 'the log to be written' },
  );
});

it.each([
  ['the fatal error', 'postgres://x@127.0.0.1:1/x', /^fatal: could not start: .*ECONNREFUSED/],
  ['the refused configuration', 'mysql://x', /^payment-api cannot start: .*\n?.*/],
])('a service log shows %s of a real service that cannot start', async (_, DATABASE_URL, expected) => {
  const service = await spawnService({
    name: 'payment-api',
    folder,
    env: { ...neutralEnvironment(), DATABASE_URL, REDIS_URL: 'redis://127.0.0.1:1' },
    plan: [['SIGKILL', 5_000]],
    onLine: log.write,
  });
  expect(await service.exited).toEqual({ code: 1, signal: null });
  expect(shown).toContainEqual(expect.stringMatching(expected));
});
