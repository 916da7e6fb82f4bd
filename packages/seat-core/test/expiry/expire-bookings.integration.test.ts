import { randomUUID } from 'node:crypto';
import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { holdSeatsStatement } from '../../src/hold/hold-seats.sql.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';
import { anyone } from '../../src/records/ownership.ts';

let engine: TestEngine;
/** Holds that are overdue as soon as they are made. */
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

async function isOverdue(bookingId: string) {
  await expect.poll(async () => (await engine.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('EXPIRED');
}

async function storedStatus(bookingId: string) {
  const { rows } = await engine.pool.query<{ status: string }>('select status from bookings where id = $1', [
    bookingId,
  ]);
  return rows[0]?.status;
}

describe('the clean-up job', () => {
  it('ends an overdue hold and frees its seats', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const booking = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await isOverdue(booking.id);
    const before = await engine.metric('bookings_expired_total', { by: 'job' });
    expect(await engine.core.expireBookings({ bookingIds: [booking.id] })).toEqual({
      expired: 1,
      nextDueInMs: null,
    });
    expect(await engine.metric('bookings_expired_total', { by: 'job' })).toBe(before + 1);
    expect(await storedStatus(booking.id)).toBe('EXPIRED');
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'AVAILABLE', version: 2 });
    expect(await engine.redis.exists(...seatIds.map((seatId) => `status:seat:${seatId}`))).toBe(0);
  });

  it('leaves a hold that is not due, and says how long it has', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const booking = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const { expired, nextDueInMs } = await engine.core.expireBookings({ bookingIds: [booking.id] });
    expect(expired).toBe(0);
    expect(nextDueInMs).toBeGreaterThan(110_000);
    expect(nextDueInMs).toBeLessThanOrEqual(120_000);
    expect(await storedStatus(booking.id)).toBe('PENDING');
  });

  it('ends those of a commit that are due and waits for the others', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const long = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const short = await briefly.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await isOverdue(short.id);
    const result = await engine.core.expireBookings({ bookingIds: [long.id, short.id, randomUUID()] });
    expect(result.expired).toBe(1);
    expect(result.nextDueInMs).toBeGreaterThan(110_000);
  });

  it('says that it is due now while another transaction is deciding', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const booking = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await isOverdue(booking.id);
    const other = await engine.pool.connect();
    try {
      await other.query('begin');
      await other.query('select from bookings where id = $1 for no key update', [booking.id]);
      expect(await engine.core.expireBookings({ bookingIds: [booking.id] })).toEqual({
        expired: 0,
        nextDueInMs: 0,
      });
    } finally {
      await other.query('rollback');
      other.release();
    }
  });

  it('has no effect when it comes again, or late, when somebody else has the seat', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await isOverdue(first.id);
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

describe('the sweep', () => {
  it('ends overdue holds that no job covered, at most as many as asked', async () => {
    const { seatIds } = await engine.makeEvent(6);
    const bookings = await Promise.all(
      seatIds.map((seatId) => briefly.holdSeats({ seatIds: [seatId], userId: `user-${seatId}` })),
    );
    const kept = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds: kept.seatIds, userId: 'ani' });
    await Promise.all(bookings.map((booking) => isOverdue(booking.id)));
    expect(await engine.core.sweepOverdue({ limit: 4 })).toBe(4);
    expect(await engine.core.sweepOverdue({ limit: 4 })).toBe(2);
    expect(await engine.core.sweepOverdue()).toBe(0);
    expect((await engine.seatRow(kept.seatIds[0])).status).toBe('RESERVED');
    expect(await engine.metric('bookings_expired_total', { by: 'sweep' })).toBeGreaterThanOrEqual(6);
  });

  it('passes over what another transaction is deciding', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const [held, free] = [
      await briefly.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' }),
      await briefly.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' }),
    ];
    await Promise.all([isOverdue(held.id), isOverdue(free.id)]);
    const other = await engine.pool.connect();
    try {
      await other.query('begin');
      await other.query('select from bookings where id = $1 for no key update', [held.id]);
      expect(await engine.core.sweepOverdue()).toBe(1);
    } finally {
      await other.query('rollback');
      other.release();
    }
    expect(await storedStatus(held.id)).toBe('PENDING');
    expect(await storedStatus(free.id)).toBe('EXPIRED');
  });

  it('refuses a limit out of bounds', async () => {
    for (const limit of [0, 501, 1.5]) {
      expect((await refusal(engine.core.sweepOverdue({ limit }))).code).toBe('VALIDATION_FAILED');
    }
  });
});

describe('the reclaim of overdue holds by whoever wants their seats', () => {
  it('sells a seat again at its deadline with nobody cleaning up', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await isOverdue(first.id);
    const second = await engine.core.holdSeats({ seatIds, userId: 'budi' });
    expect(await storedStatus(first.id)).toBe('EXPIRED');
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

  it('frees the other seats of a reclaimed hold, and tells Redis', async () => {
    const { seatIds } = await engine.makeEvent(4);
    const first = await briefly.holdSeats({ seatIds: seatIds.slice(0, 3), userId: 'ani' });
    await isOverdue(first.id);
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

  it('gives the seats of one overdue hold to two buyers of one commit', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await isOverdue(first.id);
    const buyers = [randomUUID(), randomUUID()];
    const { rows } = await engine.pool.query<{ seat_id: string; verdict: string }>({
      ...holdSeatsStatement,
      values: [buyers, ['budi', 'citra'], [null, null], buyers, seatIds, 120, 20, [null, null], [null, null]],
    });
    expect(rows.filter((row) => row.verdict === 'HELD').map((row) => row.seat_id)).toEqual(seatIds);
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'RESERVED', version: 3 });
    expect(await engine.seatRow(seatIds[1]!)).toEqual({ status: 'RESERVED', version: 3 });
    expect(await storedStatus(first.id)).toBe('EXPIRED');
  });

  it('leaves a hold alone that it cannot get whole: the seat answers SEAT_LOCKED', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const first = await briefly.holdSeats({ seatIds, userId: 'ani' });
    await isOverdue(first.id);
    const wish = { seatIds: [seatIds[0]], userId: 'budi' };
    const other = await engine.pool.connect();
    try {
      await other.query('begin');
      await other.query('select from seats where id = $1 for no key update', [seatIds[1]]);
      expect((await refusal(engine.core.holdSeats(wish))).code).toBe('SEAT_LOCKED');
      await other.query('rollback');
      await other.query('begin');
      await other.query('select from bookings where id = $1 for no key update', [first.id]);
      expect((await refusal(engine.core.holdSeats(wish))).code).toBe('SEAT_LOCKED');
      await other.query('rollback');
    } finally {
      other.release();
    }
    expect(await storedStatus(first.id)).toBe('PENDING');
    expect((await engine.core.holdSeats(wish)).status).toBe('PENDING');
  });

  it('does not end a hold for a wish that is refused', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const overdue = await briefly.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await isOverdue(overdue.id);
    await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'budi' });
    await engine.redis.flushdb();
    expect(await refusal(engine.core.holdSeats({ seatIds, userId: 'citra' }))).toEqual({
      code: 'SEAT_TAKEN',
      details: { seatIds: [seatIds[1]] },
    });
    expect(await storedStatus(overdue.id)).toBe('PENDING');
  });
});
