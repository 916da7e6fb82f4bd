import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  emptyPostgres,
  emptyRedis,
  listProcesses,
  type PostgresServer,
  type RedisServer,
  startPostgres,
  startRedis,
} from '@ticketing/testkit';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { withAdminConnection } from '../src/postgres/admin-connection.ts';
import { withRedis } from '../src/redis/with-redis.ts';

let folder: string;
let said: string[];
const started: (PostgresServer | RedisServer)[] = [];

beforeEach(async () => {
  folder = join(inject('ticketingTestServers').folder, `servers of ${process.hrtime.bigint()}`);
  await mkdir(folder);
  said = [];
});

afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  await rm(folder, { recursive: true });
});

const optionsOf = (name: string) => ({
  folder: join(folder, name),
  logFile: join(folder, `${name}.log`),
  onProgress: (line: string) => void said.push(line),
});

async function postgres(): Promise<PostgresServer> {
  const server = await startPostgres({ ...optionsOf('postgres'), durable: true, maxConnections: 20 });
  started.push(server);
  return server;
}

async function redis(): Promise<RedisServer> {
  const server = await startRedis({ ...optionsOf('redis'), persistent: true, databases: 16 });
  started.push(server);
  return server;
}

const query = (server: PostgresServer, text: string): Promise<unknown[]> =>
  withAdminConnection(server.url('postgres'), async (client) => (await client.query(text)).rows);
const mark = (server: RedisServer) => withRedis(server.url(), (client: Redis) => client.set('mark', '1'));
const readMark = (server: RedisServer) => withRedis(server.url(), (client: Redis) => client.get('mark'));

async function kill(server: PostgresServer): Promise<void> {
  server.process.signal('SIGKILL');
  await server.process.exited;
}

describe('a private PostgreSQL', () => {
  it('keeps its data over a kill, and loses it when it is emptied', async () => {
    const first = await postgres();
    expect(await query(first, 'show fsync')).toEqual([{ fsync: 'on' }]);
    await query(first, 'create table kept (id int)');
    await kill(first);
    const second = await postgres();
    expect(await query(second, 'select count(*)::int as rows from kept')).toEqual([{ rows: 0 }]);
    await second.stop();
    await emptyPostgres(join(folder, 'postgres'));
    expect(await query(await postgres(), `select to_regclass('kept') as kept`)).toEqual([{ kept: null }]);
  });

  it('is stopped, with a line that says so, when a killed run left it running', async () => {
    const leftover = await postgres();
    const next = await postgres();
    expect(said).toEqual([
      `stopping PostgreSQL (process ${leftover.process.pid}), left over from a run that was killed`,
    ]);
    expect(leftover.process.hasExited()).toBe(true);
    expect(await query(next, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('starts though its old process number belongs to another program now', async () => {
    await kill(await postgres());
    const pidFile = join(folder, 'postgres', 'data', 'postmaster.pid');
    const stale = (await readFile(pidFile, 'utf8')).split('\n').with(0, String(process.pid)).join('\n');
    await writeFile(pidFile, stale);
    expect(await query(await postgres(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(said).toEqual([]);
  });

  it('starts after an interrupted initdb, whose files are removed', async () => {
    await mkdir(join(folder, 'postgres', 'data.unfinished', 'base'), { recursive: true });
    expect(await query(await postgres(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(folder, 'postgres', 'data.unfinished'))).toBe(false);
  });

  it('shows the end of its log when it cannot start', async () => {
    await (await postgres()).stop();
    await rm(join(folder, 'postgres', 'data', 'global', 'pg_control'));
    const failure = /PostgreSQL ended with exit code \d+ while starting.*pg_control/s;
    await expect(postgres()).rejects.toThrow(failure);
  });

  it('refuses a wrong password; only its own account can read the right one', async () => {
    const url = new URL((await postgres()).url('postgres'));
    url.password = 'guess';
    await expect(withAdminConnection(url.href, () => Promise.resolve())).rejects.toThrow(
      'password authentication',
    );
    expect((await stat(join(folder, 'postgres', 'password'))).mode & 0o777).toBe(0o600);
  });
});

describe('a private Redis', () => {
  it('keeps data and password over a restart, and loses its data when it is emptied', async () => {
    const first = await redis();
    await mark(first);
    await first.stop();
    const second = await redis();
    expect(new URL(second.url()).password).toBe(new URL(first.url()).password);
    expect(await readMark(second)).toBe('1');
    await second.stop();
    await emptyRedis(join(folder, 'redis'));
    expect(await readMark(await redis())).toBeNull();
  });

  it('is stopped before another one writes its files, when a killed run left it running', async () => {
    const leftover = await redis();
    await mark(leftover);
    const next = await redis();
    expect(said).toEqual([
      `stopping Redis (process ${leftover.process.pid}), left over from a run that was killed`,
    ]);
    expect(await readMark(next)).toBe('1');
  });

  it('asks for a password that stands in no command line', async () => {
    const server = await redis();
    const { password, protocol, host } = new URL(server.url());
    expect(JSON.stringify(await listProcesses())).not.toContain(password);
    await expect(withRedis(`${protocol}//${host}`, (client) => client.get('mark'))).rejects.toThrow('closed');
    expect((await stat(join(folder, 'redis', 'redis.conf'))).mode & 0o777).toBe(0o600);
  });
});

const areForeign = ['TEST_DATABASE_URL', 'TEST_REDIS_URL'].some((name) => process.env[name] !== undefined);

it.skipIf(areForeign)('one PostgreSQL and one Redis serve all vitest projects of a run', async () => {
  const inFolder = join(inject('ticketingTestServers').folder, '/');
  const programs = (await listProcesses())
    .filter(({ argv }) =>
      argv.some((arg) => /^(postgres\/data|redis\/redis.conf)$/.test(arg.replace(inFolder, ''))),
    )
    .map(({ argv }) => basename(argv[0] ?? ''));
  expect(programs.toSorted()).toEqual(['postgres', 'redis-server']);
});
