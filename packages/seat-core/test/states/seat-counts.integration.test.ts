import { randomUUID } from 'node:crypto';
import { auditViolations, deadlineFactor, waitFor } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRetention } from '../../src/admin/retention.ts';
import { startLoops } from '../../src/expiry/worker.ts';
import { insertEventKeyStatement } from '../../src/idempotency/idempotency.sql.ts';
import { toIdempotencyKey } from '../../src/idempotency/idempotency.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
beforeEach(holdUpTheWalk);
afterEach(async () => expect(await auditViolations(engine.databaseUrl)).toEqual([]));
afterAll(async () => engine[Symbol.asyncDispose]());

const shown = async (eventId: string, core: SeatCore = engine.core) =>
  (await core.getEvent({ eventId })).seatCounts;

/** What the seats themselves say. */
async function counted(eventId: string) {
  const { rows } = await engine.pool.query<{ available: number; reserved: number; sold: number }>(
    `select (count(*) filter (where status = 'AVAILABLE'))::int as available,
            (count(*) filter (where status = 'RESERVED'))::int as reserved,
            (count(*) filter (where status = 'SOLD'))::int as sold
     from seats where event_id = $1`,
    [eventId],
  );
  return rows[0]!;
}

/** The counts that are kept for the blocks, whether or not they are true. */
async function kept(eventId: string) {
  const { rows } = await engine.pool.query<Record<string, number>>(
    `select count(*)::int as blocks, sum(available)::int as available, sum(reserved)::int as reserved,
            sum(sold)::int as sold
     from seat_blocks where event_id = $1`,
    [eventId],
  );
  return rows[0]!;
}

/** Keeps the walk busy with blocks in front of all others, so that only records lead to a block. */
async function holdUpTheWalk(): Promise<void> {
  await engine.pool.query(
    `insert into seat_blocks
     select '00000000-0000-7000-8000-000000000000', lpad(n::text, 32, '0')::uuid, lpad(n::text, 32, '0')::uuid, 0, 0, 0
     from generate_series(1, 5000) as n on conflict do nothing`,
  );
  await engine.pool.query(
    `update seat_counting set walked_event_id = '00000000-0000-0000-0000-000000000000'`,
  );
}

async function letTheWalkGoOn(): Promise<void> {
  await engine.pool.query(`delete from seat_blocks where event_id = '00000000-0000-7000-8000-000000000000'`);
}

/** Moves the records of an event an hour into the past. */
async function makeOlder(eventId: string): Promise<void> {
  await engine.pool.query('alter table booking_events disable trigger booking_events_append_only');
  await engine.pool.query(`update booking_events set at = at - interval '1 hour' where event_id = $1`, [
    eventId,
  ]);
  await engine.pool.query('alter table booking_events enable trigger booking_events_append_only');
}

/** Ends when a read shows what the seats say. */
const untilTrue = async (eventId: string, core?: SeatCore) => {
  const truth = await counted(eventId);
  await waitFor(async () => JSON.stringify(await shown(eventId, core)) === JSON.stringify(truth), {
    description: `the counts to become ${JSON.stringify(truth)}`,
    timeoutMs: 2_000,
  });
};

/** Holds, confirmations, releases and expiries of one seat each, by many callers at once. */
async function storm(seatIds: readonly string[], cores: readonly SeatCore[]): Promise<void> {
  const brief = engine.withSettings({ holdSeconds: 0.001 });
  await Promise.all(
    seatIds.map(async (seatId, index) => {
      const core = cores[index % cores.length]!;
      const fate = index % 5;
      const holder = fate === 3 ? brief : core;
      const { id } = await holder.holdSeats({ seatIds: [seatId], userId: randomUUID() });
      if (fate === 1) await core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
      if (fate === 2) await core.releaseBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    }),
  );
}

describe('the counts of an event', () => {
  it('are true within a second after a storm of holds, confirmations, releases and expiries', async () => {
    const { event, seatIds } = await engine.makeEvent(1_300);
    const others = engine.withSettings({});
    const total = (counts: { available: number; reserved: number; sold: number }) =>
      counts.available + counts.reserved + counts.sold;
    for (let n = 0; n < seatIds.length; n += 65) {
      await storm(seatIds.slice(n, n + 65), [engine.core, others]);
      const [one, other] = await Promise.all([shown(event.id), shown(event.id, others)]);
      // Whatever moment they are of, no seat is missing and none is counted twice.
      expect([total(one), total(other)]).toEqual([1_300, 1_300]);
    }
    await untilTrue(event.id);
    await untilTrue(event.id, others);
    while ((await engine.core.sweepOverdue()) > 0);
    await untilTrue(event.id);
    await untilTrue(event.id, others);
    const { blocks, ...counts } = await kept(event.id);
    expect(blocks).toBe(3);
    expect(counts).toEqual({ available: 520, reserved: 520, sold: 260 });
  });

  it('are advanced by the loops of the worker, without a read', async () => {
    const { event, seatIds } = await engine.makeEvent(2);
    const loops = startLoops(engine.core, engine.logger);
    try {
      await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
      await expect
        .poll(async () => (await kept(event.id))['reserved'], { timeout: 1_000 * deadlineFactor() })
        .toBe(1);
    } finally {
      await loops.stop();
    }
  });

  it('work off a backlog of records, however few one round reads', async () => {
    const events: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      const { event, seatIds } = await engine.makeEvent(1);
      events.push(event.id);
      await engine.core.holdSeats({ seatIds, userId: 'ani' });
    }
    for (const id of events) await makeOlder(id);
    await engine.pool.query(`update seat_counting set counted_until = now() - interval '2 hours'`);
    let rounds = 0;
    let reserved = 0;
    do {
      expect(await engine.core.countSeats({ limit: 2 })).toBe(2);
      rounds += 1;
      reserved = (await Promise.all(events.map(kept))).filter((counts) => counts['reserved'] === 1).length;
    } while (reserved < events.length && rounds < 20);
    expect(rounds).toBeGreaterThan(3);
    // The last record of a round is read again by the next.
    expect(rounds).toBeLessThan(10);
  });

  it('are corrected by the walk over all blocks where no record tells of a change', async () => {
    await letTheWalkGoOn();
    const events: string[] = [];
    for (let n = 0; n < 25; n += 1) events.push((await engine.makeEvent(1)).event.id);
    await engine.pool.query('update seat_blocks set available = 7, sold = 9 where event_id = any($1)', [
      events,
    ]);
    const isTrue = async () => {
      await engine.core.countSeats();
      const all = await Promise.all(events.map(kept));
      return all.every(({ available, sold }) => available === 1 && sold === 0);
    };
    expect(await isTrue()).toBe(false);
    await waitFor(isTrue, { description: 'the walk to reach every block', timeoutMs: 5_000 });
  });

  it('are those of a hold whose transaction was open while a round ran', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    const key = toIdempotencyKey('late', { caller: 'ani', verb: 'holdSeats', request: { seatIds } })!;
    const other = await engine.pool.connect();
    try {
      await other.query('begin');
      await other.query({
        ...insertEventKeyStatement,
        values: [key.id, key.fingerprint, event.id, new Date()],
      });
      const holding = engine.core.holdSeats({ seatIds, userId: 'ani', idempotencyKey: 'late' });
      const isWaiting = async () => {
        const { rowCount } = await engine.pool.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rowCount !== 0;
      };
      await waitFor(isWaiting, { description: 'the hold to wait for its key' });
      // A transaction that began later and is over.
      await engine.pool.query('select pg_current_xact_id()');
      await engine.core.countSeats();
      await other.query('rollback');
      await holding;
    } finally {
      other.release();
    }
    await engine.core.countSeats();
    expect(await kept(event.id)).toMatchObject({ available: 0, reserved: 1 });
  });

  it('are advanced where the last round was one of another server, whose transactions had higher numbers', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    await engine.core.countSeats();
    await engine.pool.query(`update seat_counting set seen_before = '2000000'`);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await engine.core.countSeats();
    expect(await kept(event.id)).toMatchObject({ available: 0, reserved: 1 });
  });

  it('are those of a record that was committed long after its moment, once the walk has passed', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await engine.core.countSeats();
    // As if the transaction had waited for a standby: its moment lies behind all that is counted.
    await engine.pool.query('update seat_blocks set available = 1, reserved = 0 where event_id = $1', [
      event.id,
    ]);
    await engine.pool.query(`update seat_counting set counted_until = now() + interval '1 hour'`);
    await makeOlder(event.id);
    const isTrue = async () => {
      await engine.core.countSeats();
      return (await kept(event.id))['reserved'] === 1;
    };
    for (let n = 0; n < 3; n += 1) expect(await isTrue()).toBe(false);
    await letTheWalkGoOn();
    await waitFor(isTrue, { description: 'the walk to find the hold', timeoutMs: 5_000 });
    const { rows } = await engine.pool.query<{ is_past: boolean }>(
      'select counted_until < now() as is_past from seat_counting',
    );
    expect(rows).toEqual([{ is_past: true }]);
  });

  it('of an event that another build created are made when first asked for', async () => {
    const { event, seatIds } = await engine.makeEvent(1_001);
    await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await engine.pool.query('delete from seat_blocks where event_id = $1', [event.id]);
    const others = Array.from({ length: 4 }, () => engine.withSettings({}));
    const all = await Promise.all(others.map((core) => shown(event.id, core)));
    for (const counts of all) expect(counts).toEqual({ available: 1_000, reserved: 1, sold: 0 });
    expect(await kept(event.id)).toEqual({ blocks: 3, available: 1_000, reserved: 1, sold: 0 });
  });

  it('of an event that another build created are made by the worker, and its free seats are listed', async () => {
    const { event } = await engine.makeEvent(3);
    await engine.pool.query('delete from seat_blocks where event_id = $1', [event.id]);
    await engine.withSettings({}).countSeats();
    expect(await kept(event.id)).toEqual({ blocks: 1, available: 3, reserved: 0, sold: 0 });
    await engine.pool.query('delete from seat_blocks where event_id = $1', [event.id]);
    const { seats } = await engine.core.listAvailableSeats({ eventId: event.id });
    expect(seats).toHaveLength(3);
  });

  it('stay as they are where no round can be run, and are read all the same', async () => {
    const { event, seatIds } = await engine.makeEvent(2);
    await engine.core.countSeats();
    await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const fresh = engine.withSettings({});
    // Another round has the turn, and does not end.
    await engine.whileLocked('select from seat_counting for update', async () => {
      await waitFor(async () => (await ageMs()) > 600, { description: 'the counts to be old' });
      expect(await shown(event.id, fresh)).toEqual({ available: 2, reserved: 0, sold: 0 });
      expect(await fresh.countSeats()).toBe(0);
    });
    await untilTrue(event.id, fresh);
  });

  it('go with their event when it is retired', async () => {
    const { event } = await engine.makeEvent(2);
    await engine.pool.query(
      `update events set starts_at = now() - interval '400 days', created_at = now() - interval '401 days' where id = $1`,
      [event.id],
    );
    await using retention = await openRetention(engine);
    const archive = { write: async () => undefined, finish: async () => undefined };
    await retention.retireEvent({ eventId: event.id, keptDays: 365, archive });
    expect((await kept(event.id))['blocks']).toBe(0);
    await engine.core.countSeats();
    expect((await kept(event.id))['blocks']).toBe(0);
  });

  it('of other events are advanced while the blocks of one are being deleted', async () => {
    const retired = await engine.makeEvent(1);
    const { event, seatIds } = await engine.makeEvent(1);
    for (const id of [retired.seatIds[0], seatIds[0]])
      await engine.core.holdSeats({ seatIds: [id], userId: 'ani' });
    const deletion = { text: 'delete from seat_blocks where event_id = $1', values: [retired.event.id] };
    await engine.whileLocked(deletion, async () => engine.core.countSeats());
    expect((await kept(event.id))['reserved']).toBe(1);
  });

  it('are true after four processes ran rounds at once while seats were sold', async () => {
    const { event, seatIds } = await engine.makeEvent(30);
    const others = Array.from({ length: 4 }, () => engine.withSettings({}));
    const busy = storm(seatIds, [engine.core]);
    for (let n = 0; n < 10; n += 1) await Promise.all(others.map((core) => core.countSeats()));
    await busy;
    await untilTrue(event.id);
    const { blocks, ...counts } = await kept(event.id);
    expect(blocks).toBe(1);
    expect(counts).toEqual(await counted(event.id));
  });
});

async function ageMs(): Promise<number> {
  const { rows } = await engine.pool.query<{ age: number }>(
    'select (extract(epoch from clock_timestamp() - at) * 1000)::float8 as age from seat_counting',
  );
  return rows[0]!.age;
}
