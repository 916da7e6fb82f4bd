import { atOnce, auditViolations } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeatCoreError } from '../../src/errors.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import type { Booking } from '../../src/types.ts';
import { anyone } from '../../src/records/ownership.ts';
import { historyDifferences, openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => {
  expect(await auditViolations(engine.databaseUrl)).toEqual([]);
  expect(await historyDifferences(engine)).toEqual([]);
  await engine[Symbol.asyncDispose]();
});

/** The bookings that were made; fails on any error that is not a lost race. */
function winners(results: PromiseSettledResult<Booking>[]): Booking[] {
  return results.flatMap((result) => {
    if (result.status === 'fulfilled') return [result.value];
    const error: unknown = result.reason;
    if (error instanceof SeatCoreError && (error.code === 'SEAT_TAKEN' || error.code === 'SEAT_LOCKED'))
      return [];
    throw error;
  });
}

/** The engine without its cache: Redis is flushed before each request. */
function withoutRedis(core: SeatCore): Pick<SeatCore, 'holdSeats'> {
  return {
    async holdSeats(input) {
      await engine.redis.flushdb();
      return core.holdSeats(input);
    },
  };
}

describe('500 callers for one seat at once', () => {
  it('gives a seat to one of 500 callers at once; the others get SEAT_TAKEN or SEAT_LOCKED', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const results = await atOnce(500, (n) => engine.core.holdSeats({ seatIds, userId: `user-${n}` }));
    expect(winners(results)).toHaveLength(1);
  });

  it('gives a seat to one of 500 callers at once also while Redis is flushed again and again', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const core = withoutRedis(engine.core);
    const results = await atOnce(500, (n) => core.holdSeats({ seatIds, userId: `user-${n}` }));
    expect(winners(results)).toHaveLength(1);
  });

  it('gives a seat of an overdue hold to one of 500 callers at once', async () => {
    const { seatIds } = await engine.makeEvent(3);
    const overdue = await engine.withSettings({ holdSeconds: 0.001 }).holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(overdue.id);
    const core = withoutRedis(engine.core);
    const wanted = [seatIds[1]!];
    const results = await atOnce(500, (n) => core.holdSeats({ seatIds: wanted, userId: `user-${n}` }));
    const [winner, ...others] = winners(results);
    // All of them may have met each other's locks; then the seat is still free for the next caller.
    const booking = winner ?? (await engine.core.holdSeats({ seatIds: wanted, userId: 'last' }));
    expect(others).toEqual([]);
    expect(booking.seats.map((seat) => seat.id)).toEqual(wanted);
    expect((await engine.seatRow(seatIds[0])).status).toBe('AVAILABLE');
    expect((await engine.seatRow(seatIds[2]!)).status).toBe('AVAILABLE');
  });
});

describe('holds of several seats', () => {
  it('holds that overlap in opposite order meet no deadlock and none is partial', async () => {
    const { seatIds } = await engine.makeEvent(8);
    // Past gatekeeper and seat lock: a deadlock would be in PostgreSQL.
    const core = withoutRedis(engine.core);
    for (let round = 0; round < 40; round += 1) {
      const results = await atOnce(24, (n) => {
        const start = n % 8;
        const four = [0, 1, 2, 3].map((step) => seatIds[(start + step) % 8]!);
        return core.holdSeats({ seatIds: n % 2 === 0 ? four : four.toReversed(), userId: `user-${n}` });
      });
      const bookings = winners(results);
      expect(bookings.every((booking) => booking.seats.length === 4)).toBe(true);
      const held = bookings.flatMap((booking) => booking.seats.map((seat) => seat.id));
      expect(new Set(held).size).toBe(held.length);
      await Promise.all(
        bookings.map(({ id }) =>
          engine.core.releaseBooking({ bookingId: id, ownedBy: anyone, actor: 'test' }),
        ),
      );
    }
    expect(await deadlocks()).toBe(0);
  });

  it('holds that overlap with reclaims, sweep and jobs meet no deadlock and strand no seat', async () => {
    const { seatIds } = await engine.makeEvent(10);
    const briefly = engine.withSettings({ holdSeconds: 0.004 });
    const core = withoutRedis(briefly);
    const made: string[] = [];
    for (let round = 0; round < 60; round += 1) {
      const results = await atOnce(16, async (n) => {
        if (n === 0) await engine.core.sweepOverdue();
        if (n === 1) await engine.core.expireBookings({ bookingIds: made.slice(-6) });
        const first = (n * 3 + round) % 10;
        const three = [0, 1, 2].map((step) => seatIds[(first + step) % 10]!);
        return core.holdSeats({ seatIds: n % 2 === 0 ? three : three.toReversed(), userId: `user-${n}` });
      });
      made.push(...winners(results).map((booking) => booking.id));
    }
    expect(await deadlocks()).toBe(0);
    expect(await engine.metric('bookings_expired_total')).toBeGreaterThan(0);
    await expect
      .poll(async () => {
        await engine.core.sweepOverdue();
        return (await Promise.all(seatIds.map((id) => engine.seatRow(id)))).every(
          (seat) => seat.status === 'AVAILABLE',
        );
      })
      .toBe(true);
  });
});

async function deadlocks(): Promise<number> {
  const { rows } = await engine.pool.query<{ n: number }>(
    `select deadlocks::int as n from pg_stat_database where datname = current_database()`,
  );
  return rows[0]!.n;
}
