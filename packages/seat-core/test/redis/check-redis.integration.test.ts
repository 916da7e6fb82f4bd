import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestFolder, removeTestFolder, startRedis, type RedisServer } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { checkQueue } from '../../src/queue/check-queue.ts';
import { checkRedis } from '../../src/redis/check-redis.ts';
import { closeRedis, openRedis } from '../../src/redis/connect.ts';
import { withNames } from '../../src/redis/keys.ts';

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  folder = await createTestFolder();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => removeTestFolder(folder));

async function startPrivate(settings: readonly string[]): Promise<RedisServer> {
  const own = join(folder, randomUUID());
  await mkdir(own, { recursive: true });
  const logFile = join(own, 'redis.log');
  const server = await startRedis({ folder: own, logFile, persistent: false, databases: 4, settings });
  closers.push(() => server.stop());
  return server;
}

async function rowsOf(redisUrl: string): Promise<string[]> {
  const connection = await openRedis({ redisUrl });
  closers.push(() => closeRedis(connection));
  const client = withNames(connection, 'hall:');
  const rows = [...(await checkRedis(client)), ...(await checkQueue(client))];
  return rows.map(({ part, name, value, verdict, advice }) =>
    `${part} ${name}: ${value}, ${verdict} ${advice}`.trim(),
  );
}

it('a fit Redis is reported line by line, with a warning that a queue without persistence loses jobs', async () => {
  const server = await startPrivate([]);
  expect(await rowsOf(server.url(2))).toEqual([
    'redis connection: database 2, ok',
    `redis version and mode: ${server.version}, standalone, ok`,
    'redis role: master, ok',
    'redis rights: all, on hall:status:seat:* and the others, ok',
    'redis maxmemory-policy: noeviction, ok',
    'queue connection: database 2, ok',
    `queue version and mode: ${server.version}, standalone, ok`,
    'queue role: master, ok',
    'queue rights: all, on {hall:bull}:*, ok',
    'queue maxmemory-policy: noeviction, ok',
    'queue persistence: none, warning A restart of this Redis loses clean-up jobs, and the sweep ends their holds; set appendonly yes.',
  ]);
});

it('what a Redis user may not do, and what a Redis would evict, is reported with the right to grant', async () => {
  const server = await startPrivate(['maxmemory-policy allkeys-lru', 'appendonly yes']);
  const admin = new Redis(server.url());
  closers.push(async () => admin.disconnect());
  await admin.call('ACL', 'SETUSER', 'narrow', 'on', '>pw', '~hall:*', '+@all', '-eval', '-bzpopmin', '-set');
  const url = Object.assign(new URL(server.url()), { username: 'narrow', password: 'pw' });
  const rows = await rowsOf(url.href);
  const row = (start: string) => rows.find((one) => one.startsWith(start));
  expect(row('redis rights')).toBe(
    'redis rights: unknown, warning The Redis user may not run SET, EVAL nor use hall:seats:changes:0:* (NOPERM); grant +set +eval &hall:seats:changes:0:*.',
  );
  expect(row('queue rights')).toMatch(/grant \+eval \+evalsha \+bzpopmin\.$/);
  expect(row('redis maxmemory-policy')).toBe('redis maxmemory-policy: allkeys-lru, ok');
  expect(row('queue maxmemory-policy')).toMatch(/allkeys-lru, warning .*noeviction/);
  expect(row('queue persistence')).toBe('queue persistence: appendonly, ok');

  await admin.call('ACL', 'SETUSER', 'narrow', 'reset', 'on', '>pw', '~*', '&*', '+@all', '-info');
  expect((await rowsOf(url.href)).filter((one) => one.includes('warning'))).toEqual(
    ['redis', 'queue', 'queue'].map(
      (part) => `${part} INFO: unknown, warning The Redis user may not run INFO (NOPERM); grant +info.`,
    ),
  );
});

it('a cluster is refused, and a Redis that is away is a warning', async () => {
  const server = await startPrivate(['cluster-enabled yes']);
  for (const url of [server.url(), server.url(1)]) {
    const rows = await rowsOf(url);
    expect(rows.join('\n')).toContain('refused Redis runs in cluster mode');
    expect(rows.filter((one) => /, refused Redis runs in cluster mode/.test(one))).toHaveLength(2);
  }
  const away = await rowsOf('redis://127.0.0.1:1');
  expect(away).toEqual([
    'redis connection: none, warning Redis cannot be reached (ECONNREFUSED). Start it, or correct REDIS_URL: until then PostgreSQL decides alone, slower.',
    'queue connection: none, warning Redis cannot be reached (ECONNREFUSED). Start it, or correct QUEUE_REDIS_URL: until then the sweep ends holds in place of their jobs.',
  ]);
});
