import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import {
  emptyPostgres,
  emptyRedis,
  listProcesses,
  type PostgresServer,
  type RedisServer,
  startPostgres,
  startRedis,
} from '@ticketing/testkit';

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

async function postgres(): Promise<PostgresServer> {
  const server = await startPostgres({
    folder: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    durable: true,
    maxConnections: 20,
    onProgress: (line) => said.push(line),
  });
  started.push(server);
  return server;
}

async function redis(): Promise<RedisServer> {
  const server = await startRedis({
    folder: join(folder, 'redis'),
    logFile: join(folder, 'redis.log'),
    persistent: true,
    databases: 16,
    onProgress: (line) => said.push(line),
  });
  started.push(server);
  return server;
}

async function query(server: PostgresServer, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url('postgres') });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function withRedis<T>(url: string, fn: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await fn(client);
  } finally {
    client.disconnect();
  }
}

describe('a private PostgreSQL', () => {
  it('keeps its data, loses nothing that was answered, and is gone when it was emptied', async () => {
    const first = await postgres();
    expect(await query(first, 'show fsync')).toEqual([{ fsync: 'on' }]);
    await query(first, 'create table kept (id int)');
    first.process.signal('SIGKILL');
    await first.process.exited;
    const second = await postgres();
    expect(await query(second, 'select count(*)::int as rows from kept')).toEqual([{ rows: 0 }]);
    await second.stop();
    await emptyPostgres(join(folder, 'postgres'));
    expect(await query(await postgres(), `select to_regclass('kept') as kept`)).toEqual([{ kept: null }]);
  });

  it('that a killed run left running is found by what it works on, stopped, and said so', async () => {
    const leftover = await postgres();
    const next = await postgres();
    expect(said).toEqual([
      `stopping PostgreSQL (process ${leftover.process.pid}), left over from a run that was killed`,
    ]);
    expect(leftover.process.hasExited()).toBe(true);
    expect(await query(next, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('starts though its old process number belongs to another program now', async () => {
    const first = await postgres();
    first.process.signal('SIGKILL');
    await first.process.exited;
    const pidFile = join(folder, 'postgres', 'data', 'postmaster.pid');
    const stale = (await readFile(pidFile, 'utf8')).split('\n').with(0, String(process.pid)).join('\n');
    await writeFile(pidFile, stale);
    expect(await query(await postgres(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(said).toEqual([]);
  });

  it('is not made of what an interrupted initdb left', async () => {
    await mkdir(join(folder, 'postgres', 'data.unfinished', 'base'), { recursive: true });
    expect(await query(await postgres(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(folder, 'postgres', 'data.unfinished'))).toBe(false);
  });

  it('shows its log when it cannot start', async () => {
    await (await postgres()).stop();
    await rm(join(folder, 'postgres', 'data', 'global', 'pg_control'));
    await expect(postgres()).rejects.toThrow(
      /PostgreSQL ended with exit code \d+ while starting.*pg_control/s,
    );
  });

  it('lets in nobody without the password, which only its own account can read', async () => {
    const server = await postgres();
    const url = new URL(server.url('postgres'));
    url.password = 'guess';
    await expect(new pg.Client({ connectionString: url.href }).connect()).rejects.toThrow(
      'password authentication',
    );
    expect((await stat(join(folder, 'postgres', 'password'))).mode & 0o777).toBe(0o600);
  });
});

describe('a private Redis', () => {
  it('keeps data and password over a restart, and is gone when it was emptied', async () => {
    const first = await redis();
    await withRedis(first.url(), (client) => client.set('kept', 'yes'));
    await first.stop();
    const second = await redis();
    expect(new URL(second.url()).password).toBe(new URL(first.url()).password);
    expect(await withRedis(second.url(), (client) => client.get('kept'))).toBe('yes');
    expect(await withRedis(second.url(), (client) => client.config('GET', 'maxmemory-policy'))).toEqual([
      'maxmemory-policy',
      'noeviction',
    ]);
    await second.stop();
    await emptyRedis(join(folder, 'redis'));
    expect(await withRedis((await redis()).url(), (client) => client.get('kept'))).toBeNull();
  });

  it('that a killed run left running is stopped before another writes its files', async () => {
    const leftover = await redis();
    await withRedis(leftover.url(), (client) => client.set('kept', 'yes'));
    const next = await redis();
    expect(said).toEqual([
      `stopping Redis (process ${leftover.process.pid}), left over from a run that was killed`,
    ]);
    expect(await withRedis(next.url(), (client) => client.get('kept'))).toBe('yes');
  });

  it('shows its password to nobody who lists the processes, and asks everybody for it', async () => {
    const server = await redis();
    const { password } = new URL(server.url());
    expect(JSON.stringify(await listProcesses())).not.toContain(password);
    const { protocol, host } = new URL(server.url());
    await expect(withRedis(`${protocol}//${host}`, (client) => client.get('kept'))).rejects.toThrow('closed');
    expect((await stat(join(folder, 'redis', 'redis.conf'))).mode & 0o777).toBe(0o600);
  });
});

const areForeign = ['TEST_DATABASE_URL', 'TEST_REDIS_URL'].some((name) => process.env[name] !== undefined);

describe.skipIf(areForeign)('the servers of a test run', () => {
  it('are one PostgreSQL and one Redis, however many vitest projects there are', async () => {
    const inFolder = join(inject('ticketingTestServers').folder, '/');
    const servers = (await listProcesses()).filter(({ argv }) =>
      argv.some((arg) => arg === `${inFolder}postgres/data` || arg === `${inFolder}redis/redis.conf`),
    );
    const programs = servers.map(({ argv }) => basename(argv[0] ?? ''));
    expect(programs).toHaveLength(2);
    expect(programs).toEqual(expect.arrayContaining(['postgres', 'redis-server']));
  });
});
