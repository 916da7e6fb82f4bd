import { createTestDatabase, createTestStack, type TestDatabase, type TestStack } from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InstallationCheck } from '../src/installation.ts';
import { openDatabase } from '../src/postgres/pool.ts';
import { requestSettings } from '../src/postgres/session-settings.ts';
import { closeRedis, openQueueRedis, openRedis } from '../src/redis/connect.ts';
import { createSeatCore } from '../src/seat-core.ts';

let stack: TestStack;
let owner: pg.Client;
let role: string;
let database: string;
beforeAll(async () => {
  stack = await createTestStack();
  owner = new pg.Client({ connectionString: stack.databaseUrl });
  await owner.connect();
  role = new URL(stack.serviceUrl).username;
  database = new URL(stack.serviceUrl).pathname.slice(1);
});
afterAll(async () => {
  await owner.end();
  await stack.dispose();
});

interface Urls {
  readonly databaseUrl?: string;
  readonly replicaUrl?: string;
  readonly redisUrl?: string;
  readonly poolMax?: number;
}

async function ask(urls: Urls = {}): Promise<InstallationCheck[]> {
  const { databaseUrl = stack.serviceUrl, replicaUrl, redisUrl = stack.redisUrl, poolMax = 4 } = urls;
  const primary = openDatabase({ databaseUrl, poolMax });
  const replica = replicaUrl === undefined ? undefined : openDatabase({ databaseUrl: replicaUrl, poolMax });
  const redis = await openRedis({ redisUrl });
  const queueRedis = await openQueueRedis({ redisUrl });
  const core = createSeatCore({
    database: primary,
    redis,
    queueRedis,
    ...(replica === undefined ? {} : { replica }),
  });
  try {
    return await core.checkInstallation();
  } finally {
    await core.close();
    await Promise.all([closeRedis(redis), closeRedis(queueRedis)]);
    await Promise.all([primary.$client.end(), replica?.$client.end()]);
  }
}

const rowOf = (rows: readonly InstallationCheck[], name: string, part = 'postgresql') =>
  rows.find((row) => row.part === part && row.name === name);

const refusedNames = (rows: readonly InstallationCheck[]) =>
  rows.filter(({ verdict }) => verdict === 'refused').map(({ name }) => name);

describe('an installation that is fit', () => {
  it('has a row per question, without a refusal', async () => {
    const rows = await ask();
    expect(refusedNames(rows)).toEqual([]);
    const ok = rows.filter(({ verdict }) => verdict === 'ok').map(({ part, name }) => `${part} ${name}`);
    expect(ok).toEqual(
      expect.arrayContaining([
        'postgresql connection',
        'postgresql version',
        'postgresql primary',
        'postgresql server_encoding',
        'postgresql session settings',
        'postgresql time limits',
        'postgresql role',
        'postgresql migrations',
        'postgresql rights',
        'postgresql connections',
        'redis connection',
        'queue connection',
        'clock process to PostgreSQL',
        'clock Redis to PostgreSQL',
      ]),
    );
    expect(rowOf(rows, 'session settings')?.value).toBe(`${requestSettings.length} hold`);
    for (const { verdict, advice } of rows) expect(advice === '').toBe(verdict === 'ok');
  });

  it('a superuser as the role of the services is a warning', async () => {
    expect(rowOf(await ask({ databaseUrl: stack.databaseUrl }), 'role')).toMatchObject({
      verdict: 'warning',
    });
  });
});

describe('an installation that is not fit', () => {
  afterEach(async () => {
    await owner.query(`alter database ${database} reset all`);
  });

  it('without tables, or with those of an older build, is told to migrate', async () => {
    await using other: TestDatabase = await createTestDatabase();
    const client = new pg.Client({ connectionString: other.url });
    client.on('error', () => undefined);
    await client.connect();
    const { rows: newest } = await client.query<{ id: number }>(
      'delete from drizzle.__drizzle_migrations where id = (select max(id) from drizzle.__drizzle_migrations) returning id',
    );
    expect(newest).toHaveLength(1);
    const older = rowOf(await ask({ databaseUrl: other.serviceUrl }), 'migrations');
    expect(older).toMatchObject({ verdict: 'refused', value: expect.stringMatching(/is missing$/) });
    await client.query('alter table bookings rename column confirmed_at to paid_at');
    expect(rowOf(await ask({ databaseUrl: other.serviceUrl }), 'migrations')).toMatchObject({
      verdict: 'refused',
      value: 'without bookings.confirmed_at',
      advice: expect.stringContaining('npm run db:migrate'),
    });
    await client.query('drop schema public cascade; create schema public');
    expect(rowOf(await ask({ databaseUrl: other.serviceUrl }), 'migrations')).toMatchObject({
      verdict: 'refused',
      value: 'no tables',
    });
    await client.end();
  });

  it('a role without a right of the services is refused, with the right', async () => {
    await owner.query(`revoke update (live) on booking_seats from ${role}`);
    expect(rowOf(await ask(), 'rights')).toMatchObject({
      verdict: 'refused',
      value: 'without update on booking_seats',
    });
    await owner.query(`grant update (live) on booking_seats to ${role}`);
    await owner.query('alter table seats enable row level security');
    expect(rowOf(await ask(), 'row-level security')).toMatchObject({ verdict: 'refused', value: 'on seats' });
    await owner.query('alter table seats disable row level security');
    await owner.query(`revoke select on drizzle.__drizzle_migrations from ${role}`);
    expect(rowOf(await ask(), 'migrations')).toMatchObject({ verdict: 'warning', value: 'unknown' });
    await owner.query(`grant select on drizzle.__drizzle_migrations to ${role}`);
    expect(refusedNames(await ask())).toEqual([]);
  });

  it('a database that is closed for writes is refused', async () => {
    await owner.query(`alter database ${database} set default_transaction_read_only = on`);
    expect(refusedNames(await ask())).toEqual(['default_transaction_read_only']);
  });

  it('three services whose pools do not fit are refused with the numbers; foreign connections are a warning', async () => {
    const { rows } = await owner.query<{ limit: number }>(
      `select (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int) as "limit"`,
    );
    const { limit } = rows[0]!;
    const tooLarge = Math.floor(limit / 3) + 1;
    expect(rowOf(await ask({ poolMax: tooLarge }), 'connections')).toMatchObject({
      verdict: 'refused',
      advice: `3 services with DATABASE_POOL_MAX=${tooLarge} need ${3 * tooLarge} connections, PostgreSQL grants ${limit}: lower DATABASE_POOL_MAX or raise max_connections.`,
    });
    await owner.query(`alter database ${database} connection limit 12`);
    expect(rowOf(await ask({ poolMax: 4 }), 'connections')).toMatchObject({
      verdict: expect.not.stringMatching('refused'),
    });
    expect(rowOf(await ask({ poolMax: 5 }), 'connections')).toMatchObject({ verdict: 'refused' });
    await owner.query(`alter database ${database} connection limit -1`);
  });

  it('a PostgreSQL that cannot be reached, or whose settings do not hold, is a row and no error', async () => {
    const away = await ask({ databaseUrl: 'postgres://ani:s3cret@127.0.0.1:1/none' });
    expect(rowOf(away, 'connection')).toMatchObject({
      verdict: 'refused',
      value: expect.stringContaining('ECONNREFUSED'),
    });
    expect(rowOf(away, 'connection', 'redis')).toMatchObject({ verdict: 'ok' });
    expect(JSON.stringify(away)).not.toContain('s3cret');
    await owner.query(`alter role ${role} in database ${database} set session_replication_role = replica`);
    expect(refusedNames(await ask())).toEqual(['session_replication_role']);
    await owner.query(`alter role ${role} in database ${database} reset all`);
  });

  it('a Redis that cannot be reached is a warning: PostgreSQL decides alone', async () => {
    const rows = await ask({ redisUrl: 'redis://127.0.0.1:1' });
    expect(refusedNames(rows)).toEqual([]);
    for (const part of ['redis', 'queue']) {
      expect(rowOf(rows, 'connection', part)).toMatchObject({ verdict: 'warning' });
    }
  });

  it('a replica that is the primary itself, or away, is a warning', async () => {
    expect(rowOf(await ask({ replicaUrl: stack.serviceUrl }), 'connection', 'replica')).toMatchObject({
      verdict: 'warning',
      value: 'a primary',
    });
    expect(
      rowOf(await ask({ replicaUrl: 'postgres://ani@127.0.0.1:1/none' }), 'connection', 'replica'),
    ).toMatchObject({ verdict: 'warning', value: expect.stringContaining('ECONNREFUSED') });
  });
});
