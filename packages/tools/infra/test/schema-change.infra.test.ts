import { randomUUID } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  auditViolations,
  createTestStack,
  repositoryRoot,
  startService,
  waitFor,
  type TestStack,
} from '@ticketing/testkit';
import { runMigrations } from '@ticketing/seat-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommit } from '../src/build-deployables.ts';
import { checkMigration, checkMigrations, commitBeforeNewestMigration } from '../src/check-migrations.ts';
import { Crowd } from '../src/crowd.ts';
import { makeHall } from '../src/make-hall.ts';
import { runSql } from './databases.ts';
import { makeRunFolder } from './run-folder.ts';
import { startEarlier } from './start-earlier.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await createTestStack();
});
afterAll(() => stack.dispose());

const environment = () => ({
  DATABASE_URL: stack.serviceUrl,
  REDIS_URL: stack.redisUrl,
  HOLD_SECONDS: '60',
  RATE_LIMIT_MAX: '0',
  LOG_LEVEL: 'warn',
});

function crowdOf(
  seatIds: string[],
  ways: readonly { url: string; paymentUrl: string }[],
  pays = () => true,
): Crowd {
  return new Crowd({ size: 6, ways, nextSeat: () => seatIds.pop(), pays, pauseMs: 5 });
}

/** What the rule allows, one of each kind, on every table that is sold from; each a migration of its own. */
const nextMigrations = [
  ...['events', 'seats', 'bookings', 'booking_seats', 'booking_events', 'idempotency_keys'].map(
    (table) => `alter table ${table} add column next_note text;
--> statement-breakpoint
alter table public."${table}" add column "next_flag" boolean not null default false`,
  ),
  `create table next_things (id uuid primary key, event_id uuid not null);
create table next_parts (id uuid primary key, thing_id uuid);
alter table next_parts add constraint next_fkey foreign key (thing_id) references next_things (id);
create unique index next_things_key on next_things (event_id)`,
  `alter table bookings add column next_fee numeric(10, 2) not null default 0, add column next_code text,
  add column next_at timestamp (3) with time zone default now() not null, add column next_tags jsonb not null default '{"by":";"}'::jsonb`,
  'alter table bookings add constraint next_total check (total_amount >= 0) not valid',
  `-- outside a transaction
drop index concurrently if exists next_bookings_by_user;
--> statement-breakpoint
create index concurrently next_bookings_by_user on bookings (user_id);
--> statement-breakpoint
alter table bookings validate constraint next_total;
--> statement-breakpoint
reindex index concurrently seats_id_idx`,
];

/** A copy of the migrations of this build, followed by these. */
async function migrationsWith(next: readonly string[]): Promise<string> {
  const folder = join(await makeRunFolder('migrations'), 'migrations');
  await cp(join(repositoryRoot, 'packages/seat-core/migrations'), folder, { recursive: true });
  const path = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(await readFile(path, 'utf8')) as { entries: { tag: string; when: number }[] };
  const { when } = journal.entries.at(-1)!;
  for (const [i, sql] of next.entries()) {
    journal.entries.push({ tag: `next_${i}`, when: when + 1 + i });
    await writeFile(join(folder, `next_${i}.sql`), sql);
  }
  await writeFile(path, JSON.stringify(journal));
  return folder;
}

describe('the rule for changes of the schema', () => {
  it('is kept by every migration since the first build', async () => {
    const { read, faults } = await checkMigrations();
    expect(read).toBeGreaterThan(0);
    expect(faults).toEqual([]);
  });

  it('is asked of each of them, with what was there before', async () => {
    const folder = await migrationsWith([
      'alter table seats drop column version',
      nextMigrations[0]!,
      `-- outside a transaction
drop index concurrently if exists booking_seats_live_seat_key;
create index concurrently booking_seats_live_seat_key on booking_seats (seat_id)`,
    ]);
    const { faults } = await checkMigrations(folder);
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['next_0', 'next_2']);
  });

  it.each([
    'alter table seats drop column version',
    'drop table bookings',
    'alter table seats rename column "row" to row_name',
    'alter table bookings alter column total_amount type numeric',
    'alter table bookings alter column note set not null',
    'alter table bookings add column channel text not null',
    'alter table bookings add note text not null',
    'alter table bookings add constraint positive check (total_amount > 0)',
    'alter table bookings add unique (user_id)',
    'alter table bookings add check (total_amount > 0)',
    'alter table bookings add primary key (id)',
    'alter table bookings add foreign key (event_id) references events (id)',
    'alter table bookings add constraint of_event foreign key (event_id) references events (id) not valid',
    'create index bookings_by_user on bookings (user_id)',
    'create index keys_by_event on idempotency_keys (event_id)',
    'create index concurrently bookings_by_user on bookings (user_id)',
    '-- outside a transaction\ncreate index concurrently bookings_by_user on bookings (user_id)',
    '-- outside a transaction\ndrop index concurrently if exists bookings_overdue_idx',
    '-- outside a transaction\ncreate unique index concurrently bookings_by_user on bookings (user_id)',
    '-- outside a transaction\nalter table bookings add column note text',
    'alter table bookings validate constraint next_total',
    'alter table bookings drop constraint bookings_status_check',
    'drop index booking_seats_live_seat_key',
    'drop trigger bookings_legal_edge on bookings',
    'create trigger every_hold before insert on bookings for each row execute function refuse_illegal_change()',
    'create or replace function refuse_illegal_change() returns trigger language plpgsql as $$ begin return new; end $$',
    'alter table bookings disable trigger all',
    'alter table seats alter column status drop default',
    'alter table seats set schema archive',
    'alter table bookings add column channel text not null, add column note text default null',
    'alter table bookings add column fee numeric(10, 2) not null, add column flag boolean default false',
    'alter table bookings add column code uuid default gen_random_uuid()',
    'alter table bookings add column serial_number bigserial',
    'alter table bookings add column payer_id uuid references payers (id)',
    'alter table bookings add column code text unique',
    `alter table bookings add column code text default ''::text unique`,
    'create table things (id uuid primary key, booking_id uuid references bookings)',
    'create table if not exists bookings (id uuid)',
    'alter table seats add column note text; alter table bookings add column note text',
    `delete from bookings where status = 'EXPIRED'`,
    `update bookings set currency = 'IDR'`,
    'truncate idempotency_keys',
    'revoke update on seats from ticketing_service',
    'lock table bookings',
    'vacuum full seats',
    'reindex index seats_id_idx',
  ])('refuses: %s', (sql) => {
    expect(checkMigration(sql)).toHaveLength(1);
    expect(checkMigration(`-- contract: no build since 0.4 reads it\n${sql}`)).toEqual([]);
  });

  it.each(nextMigrations)('allows: %s', (sql) => {
    expect(checkMigration(sql)).toEqual([]);
  });
});

describe('a migration that keeps the rule', () => {
  it('is applied while tickets are sold, and nobody notices', async () => {
    const seatIds = await makeHall(stack, 200);
    await using bookingApi = await startService('booking-api', environment());
    await using paymentApi = await startService('payment-api', environment());
    const stopping = new AbortController();
    const crowd = crowdOf(seatIds, [{ url: bookingApi.url, paymentUrl: paymentApi.url }]);
    const sale = crowd.shop(stopping.signal);
    await waitFor(() => crowd.sold > 30, { description: 'tickets before it', timeoutMs: 20_000 });
    const job = { databaseUrl: stack.databaseUrl, migrationsFolder: await migrationsWith(nextMigrations) };
    // Two jobs, as a rollout may start them: the one that waits must not be what an index waits for.
    const jobs = await Promise.all([runMigrations(job), runMigrations(job)]);
    expect(jobs.map(({ applied }) => applied).toSorted((one, other) => one - other)).toEqual([
      0,
      nextMigrations.length,
    ]);
    const before = crowd.sold;
    await waitFor(() => crowd.sold > before + 30, { description: 'tickets after it', timeoutMs: 20_000 });
    stopping.abort();
    await sale;
    expect(crowd.failures).toEqual([]);
    // A lock makes all six wait until they have to ask again; one or two may have met a busy machine.
    expect(crowd.retries.slice(2)).toEqual([]);
    expect(await auditViolations(stack.databaseUrl)).toEqual([]);
  }, 120_000);
});

describe('the build before the newest migration', () => {
  it('sells, reads and cleans up beside the new one, on the newest schema', async ({ skip }) => {
    const commit = await commitBeforeNewestMigration();
    // A checkout without history has no earlier build; where it is developed and merged there is one.
    if (commit === undefined) return skip('there is no history');
    await using earlier = await buildCommit(commit);
    const env = { ...environment(), HOLD_SECONDS: '10' };
    const [spare = '', ...seatIds] = await makeHall(stack, 4);
    const all = seatIds.length;
    await using oldBooking = await startEarlier(earlier, 'booking-api', env);
    await using oldPayment = await startEarlier(earlier, 'payment-api', env);
    // The worker is the last that a rollback takes back, and the only one here.
    await using oldWorker = await startEarlier(earlier, 'expiry-worker', env);
    await using newBooking = await startService('booking-api', env);
    await using newPayment = await startService('payment-api', env);
    let unpaid = 0;
    const crowd = crowdOf(
      seatIds,
      [
        { url: oldBooking.url, paymentUrl: oldPayment.url },
        { url: newBooking.url, paymentUrl: newPayment.url },
        { url: oldBooking.url, paymentUrl: newPayment.url },
      ],
      () => {
        const pays = Math.random() < 0.9;
        if (!pays) unpaid += 1;
        return pays;
      },
    );
    await crowd.shop();
    expect(await askEverything(oldBooking.url, spare)).toEqual([]);
    const held = `select from seats where status = 'RESERVED'`;
    await waitFor(async () => (await runSql(stack.databaseUrl, held)).length === 0, {
      description: 'the earlier worker to end what was not paid',
      timeoutMs: 30_000,
      intervalMs: 250,
    });
    // SQLSTATE 42: something is not there or not allowed; 23: a value that is asked for and not written.
    const faults = [oldBooking, oldPayment, oldWorker].map(({ tail }) =>
      tail(100_000)
        .split('\n')
        .filter((line) => /"code":"(42|23)/.test(line)),
    );
    expect(faults).toEqual([[], [], []]);
    // An earlier build may know fewer faults as retryable than the shoppers do; what it sold, it has sold.
    expect(crowd.sold + unpaid).toBeGreaterThan(all * 0.9);
    expect(crowd.sold + unpaid + crowd.failures.length).toBe(all);
    expect(await auditViolations(stack.databaseUrl)).toEqual([]);
  }, 400_000);
});

/** Of a booking-api, all that reads, and a hold that is given back. @returns what ended in a fault of its own */
async function askEverything(url: string, seatId: string): Promise<string[]> {
  const faults: string[] = [];
  const ask = async (path: string, init: RequestInit = {}): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/api/v1${path}`, init);
    const text = await response.text();
    // An earlier build may lack a route; of those that it has it answers each.
    if (response.status >= 500) faults.push(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const userId = randomUUID();
  const booking = await ask('/booking', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seatId, userId }),
  });
  const [id, eventId] = [String(booking['id']), String(booking['eventId'])];
  for (const path of [
    '/events',
    `/events/${eventId}`,
    `/events/${eventId}/seats`,
    `/seats/available?eventId=${eventId}`,
    `/booking/${id}`,
    `/booking?eventId=${eventId}&userId=${userId}`,
  ])
    await ask(path);
  const released = await ask(`/booking/${id}`, { method: 'DELETE' });
  if (released['status'] !== 'CANCELLED') faults.push(`not given back: ${JSON.stringify(released)}`);
  return faults;
}
