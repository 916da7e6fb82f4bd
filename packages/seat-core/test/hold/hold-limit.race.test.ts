import { atOnce, auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine({ maxSeatsPerBooking: 5, maxHeldSeatsPerUser: 5 });
});
afterEach(async () => expect(await auditViolations(engine.databaseUrl)).toEqual([]));
afterAll(async () => engine[Symbol.asyncDispose]());

const codesOf = (answers: readonly PromiseSettledResult<unknown>[]) =>
  answers.flatMap((answer) =>
    answer.status === 'rejected' ? [(answer.reason as { code: string }).code] : [],
  );

describe('the hold limit', () => {
  it('the hold limit counts the held seats of this user and this event, and no others', async () => {
    const { seatIds } = await engine.makeEvent(12);
    const elsewhere = await engine.makeEvent(5);
    const hold = (seats: string[], userId = 'ani') => engine.core.holdSeats({ seatIds: seats, userId });
    const first = await hold(seatIds.slice(0, 3));
    expect((await refusal(hold(seatIds.slice(3, 6)))).code).toBe('HOLD_LIMIT_REACHED');
    await hold(seatIds.slice(3, 5));
    expect((await refusal(hold(seatIds.slice(5, 6)))).code).toBe('HOLD_LIMIT_REACHED');
    await hold(seatIds.slice(5, 6), 'budi');
    await hold(elsewhere.seatIds);
    // Confirmed and released seats are not held.
    await engine.core.confirmBooking({ bookingId: first.id, ownedBy: anyone, actor: 'till' });
    const second = await hold(seatIds.slice(6, 9));
    await engine.core.releaseBooking({ bookingId: second.id, ownedBy: anyone, actor: 'ani' });
    await hold(seatIds.slice(9, 12));
  });

  it('the hold limit does not count overdue holds', async () => {
    const brief = engine.withSettings({ maxSeatsPerBooking: 5, maxHeldSeatsPerUser: 5, holdSeconds: 0.05 });
    const { seatIds } = await engine.makeEvent(10);
    const { id: bookingId } = await brief.holdSeats({ seatIds: seatIds.slice(0, 5), userId: 'ani' });
    await engine.untilOverdue(bookingId);
    expect((await engine.core.holdSeats({ seatIds: seatIds.slice(5), userId: 'ani' })).status).toBe(
      'PENDING',
    );
  });

  it('the hold limit holds against 200 requests at once from two engines, while Redis is flushed again and again', async () => {
    const { seatIds } = await engine.makeEvent(200);
    const cores = [engine.core, engine.withSettings({ maxSeatsPerBooking: 5, maxHeldSeatsPerUser: 5 })];
    const flushing = setInterval(() => void engine.redis.flushdb(), 5);
    const answers = await atOnce(200, (n) =>
      cores[n % 2]!.holdSeats({ seatIds: [seatIds[n]!], userId: 'ani' }),
    );
    clearInterval(flushing);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const refused = codesOf(answers);
    expect(refused).toContain('HOLD_LIMIT_REACHED');
    // Requests of one user wait for each other; one that waits too long is refused.
    for (const code of refused) expect(['HOLD_LIMIT_REACHED', 'SEAT_LOCKED', 'OVERLOADED']).toContain(code);
  });

  it('the hold limit holds for each of 30 users at once', async () => {
    const { seatIds } = await engine.makeEvent(300);
    const cores = [engine.core, engine.withSettings({ maxSeatsPerBooking: 5, maxHeldSeatsPerUser: 5 })];
    await atOnce(300, (n) => cores[n % 2]!.holdSeats({ seatIds: [seatIds[n]!], userId: `user-${n % 30}` }));
    const { rows } = await engine.pool.query<{ seats: number }>(
      `select sum(seat_count)::int as seats from bookings where user_id like 'user-%' and status = 'PENDING' group by user_id`,
    );
    expect(rows.map(({ seats }) => seats)).toEqual(Array.from({ length: 30 }, () => 5));
  });
});

describe('requests for one seat in one commit', () => {
  it('gives a seat to the first of the requests in one commit; to the others it is taken', async () => {
    const { seatIds } = await engine.makeEvent(2);
    // Without seat locks all of them reach the statement.
    const unlocked = engine.withSettings({ redis: lostRedis() });
    const answers = await atOnce(500, (n) =>
      unlocked.holdSeats({ seatIds: [seatIds[0]], userId: `user-${n}` }),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refusals = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as { code: string; details: object }] : [],
    );
    // The second of two commits at the same time finds the seat locked by the first.
    for (const { code } of refusals) expect(['SEAT_TAKEN', 'SEAT_LOCKED']).toContain(code);
    const taken = refusals.filter(({ code }) => code === 'SEAT_TAKEN');
    expect(taken.length).toBeGreaterThan(300);
    for (const { details } of taken) expect(details).toEqual({ seatIds: [seatIds[0]] });
  });
});

/** A connection that was closed: every command fails at once. */
function lostRedis() {
  const redis = engine.redis.duplicate({ lazyConnect: true, enableOfflineQueue: false });
  redis.disconnect();
  return redis;
}
