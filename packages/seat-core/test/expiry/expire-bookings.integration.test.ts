import { randomUUID } from 'node:crypto';
import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { holdSeatsStatement } from '../../src/hold/hold-seats.sql.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, refusal, rowLock, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
/** An engine whose holds are overdue as soon as they are made. */
let briefly: SeatCore;
beforeAll(async () => {
  engine = await openTestEngine();
  briefly = engine.withSettings({ holdSeconds: 0.001 });
});
afterEach(async () => {
  while ((await engine.core.sweepOverdue()) > 0);
  expect(await auditViolations(engine.databaseUrl)).toEqual([]);
});
afterAll(async () => engine[Symbol.asyncDispose]());

describe('expireBookings', () => {
  it('expires an overdue hold and frees its seats', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const booking = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(booking.id);
    const before = await engine.metric('bookings_expired_total', { by: 'job' });
    expect(await engine.core.expireBookings({ bookingIds: [booking.id] })).toEqual({
      expired: 1,
      nextDueInMs: null,
    });
    expect(await engine.metric('bookings_expired_total', { by: 'job' })).toBe(before + 1);
    expect(await engine.storedStatus(booking.id)).toBe('EXPIRED');
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'AVAILABLE', version: 2 });
    expect(await engine.redis.exists(...seatIds.map((seatId) => `status:seat:${seatId}`))).toBe(0);
  });

  it('does not expire a hold that is not due, and returns how long it has left', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const booking = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const { expired, nextDueInMs } = await engine.core.expireBookings({ bookingIds: [booking.id] });
    expect(expired).toBe(0);
    expect(nextDueInMs).toBeGreaterThan(110_000);
    expect(nextDueInMs).toBeLessThanOrEqual(120_000);
    expect(await engine.storedStatus(booking.id)).toBe('PENDING');
  });

  it('expires those of several bookings that are due, and returns when the next one is', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const long = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const short = await briefly.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await engine.untilOverdue(short.id);
    const result = await engine.core.expireBookings({ bookingIds: [long.id, short.id, randomUUID()] });
    expect(result.expired).toBe(1);
    expect(result.nextDueInMs).toBeGreaterThan(110_000);
  });

  it('waits for a sweep of the same process that has locked the booking', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const holds = await Promise.all(
      seatIds.map((seatId) => briefly.holdSeats({ seatIds: [seatId], userId: seatId })),
    );
    const [blocked, free] = holds.map(({ id }) => id) as [string, string];
    for (const { id } of holds) await engine.untilOverdue(id);
    await engine.whileLocked(rowLock('seats', seatIds[0]), async () => {
      const sweep = refusal(engine.core.sweepOverdue());
      const waiting = 'select from pg_locks where not granted';
      await expect.poll(async () => (await engine.pool.query(waiting)).rowCount, { interval: 10 }).toBe(1);
      expect(await engine.core.expireBookings({ bookingIds: [free] })).toEqual({
        expired: 1,
        nextDueInMs: null,
      });
      // The lock of the seat ended the sweep.
      expect((await sweep).code).toBe('DEPENDENCY_UNAVAILABLE');
    });
    expect(await engine.storedStatus(blocked)).toBe('PENDING');
  });

  it('returns that a booking is due now while another transaction has locked it', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const booking = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(booking.id);
    await engine.whileLocked(rowLock('bookings', booking.id), async () => {
      expect(await engine.core.expireBookings({ bookingIds: [booking.id] })).toEqual({
        expired: 0,
        nextDueInMs: 0,
      });
    });
  });

  it('has no effect on a booking that expired before, nor on the next booking of its seat', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(first.id);
    await engine.core.expireBookings({ bookingIds: [first.id] });
    const second = await engine.core.holdSeats({ seatIds, userId: 'budi' });
    for (let delivery = 0; delivery < 10; delivery += 1) {
      expect(await engine.core.expireBookings({ bookingIds: [first.id] })).toEqual({
        expired: 0,
        nextDueInMs: null,
      });
    }
    await engine.core.confirmBooking({ bookingId: second.id, ownedBy: anyone, actor: 'budi' });
    expect(await engine.core.expireBookings({ bookingIds: [second.id] })).toEqual({
      expired: 0,
      nextDueInMs: null,
    });
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'SOLD', version: 4 });
  });
});

describe('sweepOverdue', () => {
  it('expires overdue holds without a job, at most `limit` at a time', async () => {
    const { seatIds } = await engine.makeEvent(6);
    const bookings = await Promise.all(
      seatIds.map((seatId) => briefly.holdSeats({ seatIds: [seatId], userId: `user-${seatId}` })),
    );
    const kept = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds: kept.seatIds, userId: 'ani' });
    await Promise.all(bookings.map((booking) => engine.untilOverdue(booking.id)));
    expect(await engine.core.sweepOverdue({ limit: 4 })).toBe(4);
    expect(await engine.core.sweepOverdue({ limit: 4 })).toBe(2);
    expect(await engine.core.sweepOverdue()).toBe(0);
    expect((await engine.seatRow(kept.seatIds[0])).status).toBe('RESERVED');
    expect(await engine.metric('bookings_expired_total', { by: 'sweep' })).toBeGreaterThanOrEqual(6);
  });

  it('does not sweep a booking that another transaction has locked', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const [locked, free] = [
      await briefly.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' }),
      await briefly.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' }),
    ];
    await Promise.all([engine.untilOverdue(locked.id), engine.untilOverdue(free.id)]);
    await engine.whileLocked(rowLock('bookings', locked.id), async () => {
      expect(await engine.core.sweepOverdue()).toBe(1);
    });
    expect(await engine.storedStatus(locked.id)).toBe('PENDING');
    expect(await engine.storedStatus(free.id)).toBe('EXPIRED');
  });

  it('refuses a limit of the sweep out of bounds', async () => {
    for (const limit of [0, 501, 1.5]) {
      expect((await refusal(engine.core.sweepOverdue({ limit }))).code).toBe('VALIDATION_FAILED');
    }
  });
});

describe('reclaim', () => {
  it('holds a seat again after its deadline, before any clean-up', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(first.id);
    const second = await engine.core.holdSeats({ seatIds, userId: 'budi' });
    expect(await engine.storedStatus(first.id)).toBe('EXPIRED');
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'RESERVED', version: 3 });
    const { rows } = await engine.pool.query(
      `select booking_id, to_status, cause, seat_versions::int[] from booking_events
       where event_id = $1 order by seat_versions`,
      [event.id],
    );
    expect(rows).toEqual([
      { booking_id: first.id, to_status: 'PENDING', cause: 'hold', seat_versions: [1] },
      { booking_id: first.id, to_status: 'EXPIRED', cause: 'reclaim', seat_versions: [2] },
      { booking_id: second.id, to_status: 'PENDING', cause: 'hold', seat_versions: [3] },
    ]);
    expect(await engine.metric('bookings_expired_total', { by: 'reclaim' })).toBeGreaterThan(0);
  });

  it('frees the other seats of a reclaimed hold, and deletes their status keys', async () => {
    const { seatIds } = await engine.makeEvent(4);
    const first = await briefly.holdSeats({ seatIds: seatIds.slice(0, 3), userId: 'ani' });
    await engine.untilOverdue(first.id);
    await engine.redis.set(`status:seat:${seatIds[0]}`, 'RESERVED');
    const second = await engine.core.holdSeats({ seatIds: [seatIds[1]!, seatIds[3]!], userId: 'budi' });
    expect(second.seats.map((seat) => seat.id)).toEqual([seatIds[1], seatIds[3]]);
    expect(await Promise.all(seatIds.map((seatId) => engine.seatRow(seatId)))).toEqual([
      { status: 'AVAILABLE', version: 2 },
      { status: 'RESERVED', version: 3 },
      { status: 'AVAILABLE', version: 2 },
      { status: 'RESERVED', version: 1 },
    ]);
    expect(await engine.redis.exists(`status:seat:${seatIds[0]}`)).toBe(0);
  });

  it('gives the seats of one overdue hold to two buyers in one commit', async () => {
    const { event, seatIds } = await engine.makeEvent(2);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(first.id);
    const buyers = [randomUUID(), randomUUID()];
    const { rows } = await engine.pool.query<{ seat_id: string; verdict: string }>({
      ...holdSeatsStatement,
      values: [
        buyers,
        ['budi', 'citra'],
        ...Array.from({ length: 3 }, () => [null, null]),
        buyers,
        seatIds.map(() => event.id),
        seatIds,
        120,
        20,
      ],
    });
    expect(rows.filter((row) => row.verdict === 'HELD').map((row) => row.seat_id)).toEqual(seatIds);
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'RESERVED', version: 3 });
    expect(await engine.seatRow(seatIds[1]!)).toEqual({ status: 'RESERVED', version: 3 });
    expect(await engine.storedStatus(first.id)).toBe('EXPIRED');
  });

  it('does not reclaim a hold with a locked row: its seat is SEAT_LOCKED', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(first.id);
    const request = { seatIds: [seatIds[0]], userId: 'budi' };
    for (const lock of [rowLock('seats', seatIds[1]!), rowLock('bookings', first.id)]) {
      await engine.whileLocked(lock, async () => {
        expect((await refusal(engine.core.holdSeats(request))).code).toBe('SEAT_LOCKED');
      });
    }
    expect(await engine.storedStatus(first.id)).toBe('PENDING');
    expect((await engine.core.holdSeats(request)).status).toBe('PENDING');
  });

  it('does not reclaim a hold for a request that is refused', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const overdue = await briefly.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await engine.untilOverdue(overdue.id);
    await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'budi' });
    await engine.redis.flushdb();
    expect(await refusal(engine.core.holdSeats({ seatIds, userId: 'citra' }))).toEqual({
      code: 'SEAT_TAKEN',
      details: { seatIds: [seatIds[1]] },
    });
    expect(await engine.storedStatus(overdue.id)).toBe('PENDING');
  });
});
