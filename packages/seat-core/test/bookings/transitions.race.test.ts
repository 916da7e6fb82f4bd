import { atOnce, auditViolations } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeatCoreError } from '../../src/errors.ts';
import { anyone } from '../../src/records/ownership.ts';
import { historyDifferences, openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

/** RACES asks for more. */
const rounds = Number(process.env['RACES'] ?? 2_000);
const roundsAtOnce = 5;
/** Per round, on a machine with other work. */
const msPerRound = 60;

/** The answer of a verb or the code of its refusal; throws any other error. */
async function outcome<T>(work: Promise<T>): Promise<T | { refused: string }> {
  return work.catch((error: unknown) => {
    if (error instanceof SeatCoreError) return { refused: error.code };
    throw error;
  });
}

describe(`${rounds} races around the deadline`, () => {
  it(
    'lets exactly one of confirm, expiry and a new hold win a seat, and never loses a confirmed one',
    async () => {
      const holdMs = 12;
      const briefly = engine.withSettings({ holdSeconds: holdMs / 1_000 });
      const { seatIds } = await engine.makeEvent(roundsAtOnce * 2);
      const tally = { confirmed: 0, ended: 0, rebooked: 0 };

      const race = async (pair: [string, string]) => {
        const first = await briefly.holdSeats({ seatIds: pair, userId: `ani-${pair[0]}` });
        // Start around the deadline, each round elsewhere in a window that a busy machine does not miss either.
        const startAt = performance.now() + holdMs - 20 + Math.random() * 22;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, startAt - performance.now() - 2)));
        await engine.redis.del(...pair.map((seatId) => `status:seat:${seatId}`));
        const results = await atOnce(4, async (n) => {
          if (n === 0)
            return outcome(
              engine.core.confirmBooking({ bookingId: first.id, ownedBy: anyone, actor: 'ani' }),
            );
          if (n === 1) return outcome(engine.core.expireBookings({ bookingIds: [first.id] }));
          if (n === 2)
            return outcome(engine.core.holdSeats({ seatIds: [pair[0]], userId: `budi-${pair[0]}` }));
          return outcome(engine.core.sweepOverdue({ limit: 1 }));
        });
        const failed = results.find((result) => result.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
        const [confirm, , rebook] = results.map((result) => (result as PromiseFulfilledResult<object>).value);
        const isConfirmed = 'status' in confirm! && confirm.status === 'CONFIRMED';
        const isRebooked = 'status' in rebook! && rebook.status === 'PENDING';
        expect(isConfirmed && isRebooked).toBe(false);
        const stored = await engine.core.getBooking({ bookingId: first.id, ownedBy: anyone });
        expect(stored.status === 'CONFIRMED').toBe(isConfirmed);
        if (isConfirmed) tally.confirmed += 1;
        else tally.ended += 1;
        if (isRebooked) tally.rebooked += 1;
        await reset(pair);
      };

      /** Sold seats stay sold: a pair with a sold seat is replaced by a new one. */
      const reset = async (pair: [string, string]) => {
        const rows = await Promise.all(pair.map((seatId) => engine.seatRow(seatId)));
        if (rows.some((row) => row.status === 'SOLD')) {
          const fresh = await engine.makeEvent(2);
          [pair[0], pair[1]] = fresh.seatIds as [string, string];
          return;
        }
        const { rows: live } = await engine.pool.query<{ booking_id: string }>(
          'select distinct booking_id from booking_seats where live and seat_id = any($1)',
          [pair],
        );
        for (const { booking_id: bookingId } of live) {
          await outcome(engine.core.releaseBooking({ bookingId, ownedBy: anyone, actor: 'test' }));
          await engine.core.expireBookings({ bookingIds: [bookingId] });
        }
      };

      await Promise.all(
        Array.from({ length: roundsAtOnce }, async (_, lane) => {
          const pair: [string, string] = [seatIds[lane * 2]!, seatIds[lane * 2 + 1]!];
          for (let round = 0; round < rounds / roundsAtOnce; round += 1) await race(pair);
        }),
      );

      console.log(`confirm/expire/re-book races: ${JSON.stringify(tally)}`);
      expect(tally.confirmed + tally.ended).toBe(rounds);
      // Each side must win some of the races.
      expect(tally.confirmed).toBeGreaterThan(rounds / 50);
      expect(tally.ended).toBeGreaterThan(rounds / 50);
      expect(tally.rebooked).toBeGreaterThan(0);
      expect(await auditViolations(engine.databaseUrl)).toEqual([]);
      expect(await historyDifferences(engine)).toEqual([]);
    },
    rounds * msPerRound,
  );
});

describe('confirmBooking', () => {
  it('gives 200 confirmations of one booking at once the same answer, and counts its tickets once', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const { id: bookingId } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const before = await engine.metric('tickets_sold_total');
    const results = await atOnce(200, () =>
      engine.core.confirmBooking({ bookingId, ownedBy: anyone, actor: 'till' }),
    );
    const bodies = results.map((result) =>
      JSON.stringify(result.status === 'fulfilled' ? result.value : result.reason),
    );
    expect(new Set(bodies).size).toBe(1);
    expect(JSON.parse(bodies[0]!)).toMatchObject({ id: bookingId, status: 'CONFIRMED' });
    expect(await engine.metric('tickets_sold_total')).toBe(before + 2);
  });
});
