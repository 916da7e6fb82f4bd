import { auditViolations, createTestStack, waitFor, type TestStack } from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditInvariants } from '../../src/admin/audit.ts';
import { runMigrations } from '../../src/admin/migrate.ts';
import { rebuildFromHistory } from '../../src/admin/rebuild/rebuild-from-history.ts';
import { openDatabase } from '../../src/postgres/pool.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore, type OpenSeatCoreOptions } from '../../src/open-seat-core.ts';

let stack: TestStack;
let owner: pg.Client;
let database: string;
let role: string;
beforeAll(async () => {
  stack = await createTestStack();
  owner = new pg.Client({ connectionString: stack.databaseUrl });
  await owner.connect();
  database = new URL(stack.databaseUrl).pathname.slice(1);
  role = new URL(stack.serviceUrl).username;
});
afterAll(async () => {
  await owner.end();
  await stack.dispose();
});
beforeEach(async () => {
  await owner.query(`alter database ${database} reset all`);
  await owner.query(`alter role ${role} in database ${database} reset all`);
});

const open = (options: Partial<OpenSeatCoreOptions> = {}) =>
  openSeatCore({
    databaseUrl: stack.serviceUrl,
    redisUrl: stack.redisUrl,
    databasePoolMax: 4,
    ...options,
  });

/** What a sale answers, without the ids and instants that differ from sale to sale. */
async function sell(databaseUrl = stack.serviceUrl): Promise<unknown> {
  await using core = await open({ databaseUrl });
  await using brief = await open({ databaseUrl, holdSeconds: 0.05, databasePoolMax: 4 });
  const startsAt = new Date('2097-03-04T17:05:06.789Z');
  const price = { amount: 9_007_199_254_740, currency: 'IDR' };
  const rows = [{ name: 'A', seats: 6 }];
  const made = await core.createEvent({
    name: 'Malam “Gamelan” \\ o’clock',
    venue: 'Gedung Kesenian',
    startsAt,
    sections: [{ name: 'Balkon', price: { ...price, amount: 1_000_000_000_000 }, rows }],
    idempotencyKey: 'event',
    actor: String(Math.random()),
  });
  // By hand: a map that is read here would be shown again for a second.
  const { rows: seats } = await owner.query<{ id: string }>(
    'select id from public.seats where event_id = $1 order by number',
    [made.id],
  );
  const hold = (engine: SeatCore, from: number, key?: string) =>
    engine.holdSeats({
      seatIds: seats.slice(from, from + 2).map((seat) => seat.id),
      userId: 'ani',
      ...(key === undefined ? {} : { idempotencyKey: `${made.id}-${key}` }),
    });
  const first = await hold(core, 0, 'hold');
  const again = await hold(core, 0, 'hold');
  // Without a key or a request id: nulls in the lists of the statement.
  const second = await hold(core, 2);
  const [third, fourth] = await Promise.all([hold(brief, 4, 'race'), hold(brief, 4, 'race')]);
  const confirmed = await core.confirmBooking({
    bookingId: first.id,
    ownedBy: anyone,
    actor: 'till',
    idempotencyKey: `${made.id}-confirm`,
  });
  const confirmedAgain = await core.confirmBooking({
    bookingId: first.id,
    ownedBy: anyone,
    actor: 'till',
    idempotencyKey: `${made.id}-confirm`,
  });
  const released = await core.releaseBooking({ bookingId: second.id, ownedBy: 'ani', actor: 'ani' });
  await waitFor(
    async () => (await core.getBooking({ bookingId: third.id, ownedBy: 'ani' })).status === 'EXPIRED',
    { description: 'the hold to be overdue' },
  );
  const shown = await core.getBooking({ bookingId: first.id, ownedBy: 'ani' });
  const live = await core.listLiveBookings({ eventId: made.id, userId: 'ani' });
  const { expired } = await core.expireBookings({ bookingIds: [third.id] });
  const event = await core.getEvent({ eventId: made.id });
  const page = await core.listEvents({ limit: 1 });
  const map = await core.getSeatMap({ eventId: made.id });
  const free = await core.listAvailableSeats({ eventId: made.id, limit: 100 });
  const history = await owner.query(
    `select from_status, to_status, request_id, actor, cause from public.booking_events where event_id = $1 order by at, to_status`,
    [made.id],
  );
  const keys = await owner.query(
    `select length(id)::int as id, length(fingerprint)::int as fingerprint, booking_id is null as of_event
     from public.idempotency_keys where event_id = $1 order by created_at, of_event`,
    [made.id],
  );
  for (const [{ createdAt, expiresAt }, heldMs] of [
    [first, 120_000],
    [second, 120_000],
    [third, 50],
  ] as const) {
    expect(Math.abs(createdAt.getTime() - Date.now())).toBeLessThan(30_000);
    expect(expiresAt.getTime() - createdAt.getTime()).toBe(heldMs);
  }
  expect(confirmed.confirmedAt!.getTime()).toBeGreaterThanOrEqual(first.createdAt.getTime());
  expect(again).toEqual({ ...first, replayed: true });
  expect(confirmedAgain).toEqual({ ...confirmed, replayed: true });
  expect(third.id).toBe(fourth.id);
  expect({ ...shown, replayed: false }).toEqual(confirmed);
  expect(live).toEqual([shown]);
  expect(page.events).toEqual([event]);
  expect(event.startsAt).toEqual(startsAt);
  expect(free.seats).toHaveLength(4);
  const answers = { made, first, second, third, confirmed, released, event, map, history, expired };
  const text = JSON.stringify({ ...answers, history: history.rows, keys: keys.rows });
  const names = new Map<string, string>();
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, (id) => {
      if (!names.has(id)) names.set(id, `id ${names.size}`);
      return names.get(id)!;
    })
    .replaceAll(/"(createdAt|expiresAt|confirmedAt|asOf)":"20\d\d-\d\d-\d\dT[\d:]{8}\.\d{3}Z"/g, '"$1":"now"')
    .replaceAll(/"version":"[^"]*"/g, '"version":"…"')
    .replaceAll(/"expiresInSeconds":1(19|20)/g, '"expiresInSeconds":"…"');
}

/** As an administrator, a hosting platform or another program leaves them. */
const hostile: readonly (readonly string[])[] = [
  [`datestyle = 'German, DMY'`],
  [`datestyle = 'Postgres, MDY'`, `intervalstyle = 'iso_8601'`],
  [`datestyle = 'SQL, DMY'`, `timezone = 'Asia/Kathmandu'`],
  [`array_nulls = off`],
  [`search_path = pg_temp, elsewhere, public`],
  [`search_path = ''`],
  [`statement_timeout = '1ms'`],
  [`lock_timeout = '1ms'`, `idle_in_transaction_session_timeout = '1ms'`],
  [`idle_session_timeout = '1ms'`],
  [`default_transaction_isolation = 'repeatable read'`, `exit_on_error = on`],
  [`default_transaction_isolation = 'serializable'`, `default_transaction_deferrable = on`],
  [`extra_float_digits = -15`, `bytea_output = 'escape'`, `standard_conforming_strings = off`],
  [`client_encoding = 'LATIN1'`, `timezone = 'America/St_Johns'`, `transform_null_equals = on`],
  [`enable_indexscan = off`, `enable_bitmapscan = off`, `enable_nestloop = off`, `jit_above_cost = 0`],
  [`plan_cache_mode = 'force_custom_plan'`, `work_mem = '64kB'`, `quote_all_identifiers = on`],
];

describe('settings of the database or the role', () => {
  let usual: unknown;
  beforeAll(async () => {
    usual = await sell();
    await owner.query('create schema elsewhere');
    await owner.query('create table elsewhere.seats (id uuid)');
    await owner.query('create table elsewhere.events (like public.events)');
    await owner.query(`create function elsewhere.pg_advisory_xact_lock(integer, integer) returns void
      language plpgsql as 'begin raise exception ''another function of this name''; end'`);
    await owner.query(`grant usage on schema elsewhere to public`);
    await owner.query('grant select on all tables in schema elsewhere to public');
  });

  it.each(hostile.map((settings) => ({ settings, title: settings.join(', ') })))(
    'alter database … set $title changes no answer, no row and no report',
    async ({ settings }) => {
      for (const setting of settings) await owner.query(`alter database ${database} set ${setting}`);
      expect(await sell()).toEqual(usual);
      const { databaseUrl } = stack;
      expect(await runMigrations({ databaseUrl, serviceRole: role })).toEqual({ applied: 0 });
      const { results } = await auditInvariants({ databaseUrl });
      expect(results.filter(({ violations }) => violations > 0)).toEqual([]);
      const rebuild = await rebuildFromHistory({ databaseUrl, timeLimitSeconds: 60 });
      expect(rebuild.results.filter(({ violations }) => violations > 0)).toEqual([]);
      await owner.query(`alter database ${database} reset all`);
      expect(await auditViolations(databaseUrl)).toEqual([]);
    },
  );

  it('alter role … set and settings in DATABASE_URL change no answer either', async () => {
    await owner.query(`alter role ${role} in database ${database} set datestyle = 'German, DMY'`);
    const hostileOptions = encodeURIComponent(
      '-c datestyle=SQL -c timezone=Asia/Kolkata -c enable_seqscan=on',
    );
    const query = `?statement_timeout=1&lock_timeout=1&query_timeout=1&options=${hostileOptions}`;
    expect(await sell(`${stack.serviceUrl}${query}`)).toEqual(usual);
  });

  it('a commit is on disk before it is acknowledged, whatever synchronous_commit says', async () => {
    const found = async (setting: string) => {
      await owner.query(`alter database ${database} set synchronous_commit = ${setting}`);
      const { $client: pool } = openDatabase({ databaseUrl: stack.serviceUrl, poolMax: 1 });
      const { rows } = await pool.query<{ value: string }>(
        `select current_setting('synchronous_commit') as value`,
      );
      await pool.end();
      return rows[0]!.value;
    };
    expect(await found('off')).toBe('on');
    expect(await found('local')).toBe('on');
    expect(await found('remote_write')).toBe('on');
    // Stricter than what is needed: the operator's choice stays.
    expect(await found('remote_apply')).toBe('remote_apply');
  });
});

describe('what no connection can set', () => {
  it('session_replication_role = replica, which turns the guards of the tables off, refuses the start', async () => {
    await owner.query(`alter role ${role} in database ${database} set session_replication_role = replica`);
    await expect(open()).rejects.toThrow(
      /^session_replication_role is replica and must be origin: .*reset session_replication_role/,
    );
  });

  it('a running engine is lent no connection whose settings do not hold, and says why in its log', async () => {
    const lines: { fields: object; message: string }[] = [];
    const write = (fields: object, message: string) => void lines.push({ fields, message });
    const logger = { debug: write, info: write, warn: write, error: write };
    await using core = await open({ logger });
    await core.ping();
    await owner.query(`alter role ${role} in database ${database} set session_replication_role = replica`);
    await owner.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and datname = $2',
      [role, database],
    );
    await expect.poll(() => core.ping().then(String, (error: Error) => error.message)).toMatch(/PostgreSQL/);
    await expect
      .poll(() => lines.some(({ fields }) => /session_replication_role/.test(causeOf(fields))))
      .toBe(true);
    await owner.query(`alter role ${role} in database ${database} reset all`);
    await expect.poll(() => core.ping().then(() => 'answers', String), { timeout: 5_000 }).toBe('answers');
  });
});

function causeOf(fields: object): string {
  const { err } = fields as { err?: Error };
  return err?.cause instanceof Error ? err.cause.message : '';
}

describe('a database that is not UTF8', () => {
  it.each(['LATIN1', 'SQL_ASCII', 'EUC_JP', 'WIN1252'])(
    'encoding %s refuses the start and the migration in a sentence',
    async (encoding) => {
      const name = `${database}_${encoding.toLowerCase()}`;
      await owner.query(`create database ${name} encoding '${encoding}' locale 'C' template template0`);
      const at = (url: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;
      try {
        const sentence = new RegExp(`^server_encoding is ${encoding} and must be UTF8: .*encoding 'UTF8'`);
        await expect(runMigrations({ databaseUrl: at(stack.databaseUrl) })).rejects.toThrow(sentence);
        await expect(open({ databaseUrl: at(stack.serviceUrl) })).rejects.toThrow(sentence);
      } finally {
        await owner.query(`drop database ${name} with (force)`);
      }
    },
  );
});
