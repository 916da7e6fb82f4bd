import { atOnce, withinDeadline } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockUsers } from '../../src/hold/lock-users.sql.ts';
import { eventIdOf } from '../../src/ids.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openTestEngine, refusal, rowLock, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
let seatIds: readonly string[];
beforeAll(async () => {
  engine = await openTestEngine();
  ({ seatIds } = await engine.makeEvent(300));
});
afterAll(() => engine[Symbol.asyncDispose]());

let next = 0;
const hold = (core: SeatCore = engine.core) => {
  next += 1;
  return core.holdSeats({ seatIds: [seatIds[next]!], userId: `user-${next}` });
};

describe('a booking that another session keeps locked', () => {
  it.each(['confirmBooking', 'releaseBooking'] as const)(
    '%s answers DEPENDENCY_UNAVAILABLE, also with a key, and works when the lock is gone',
    async (verb) => {
      const { id: bookingId } = await hold();
      const act = (idempotencyKey?: string) =>
        engine.core[verb]({
          bookingId,
          ownedBy: anyone,
          actor: 'shop',
          ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        });
      await engine.whileLocked(rowLock('bookings', bookingId), async () => {
        expect(await refusal(act())).toEqual({ code: 'DEPENDENCY_UNAVAILABLE', details: {} });
        expect(await refusal(act(verb))).toEqual({ code: 'DEPENDENCY_UNAVAILABLE', details: {} });
        expect((await engine.core.getBooking({ bookingId, ownedBy: anyone })).status).toBe('PENDING');
      });
      expect((await act(verb)).status).toBe(verb === 'confirmBooking' ? 'CONFIRMED' : 'CANCELLED');
    },
  );

  it('fails no other request: of 40 confirmations that come together those of 5 locked bookings are refused', async () => {
    const held = await Promise.all(Array.from({ length: 40 }, () => hold()));
    const locked = held.filter((_, index) => index % 8 === 0).map(({ id }) => id);
    const lock = {
      text: 'select from bookings where id = any($1) order by id for no key update',
      values: [locked],
    };
    await engine.whileLocked(lock, async () => {
      const outcomes = await withinDeadline('40 confirmations beside 5 locks', 2_000, () =>
        atOnce(40, (index) =>
          engine.core.confirmBooking({ bookingId: held[index]!.id, ownedBy: anyone, actor: 'shop' }),
        ),
      );
      const seen = outcomes.map((outcome) =>
        outcome.status === 'fulfilled'
          ? outcome.value.status
          : (outcome.reason as { readonly code: string }).code,
      );
      expect(seen).toEqual(
        held.map(({ id }) => (locked.includes(id) ? 'DEPENDENCY_UNAVAILABLE' : 'CONFIRMED')),
      );
    });
  });
});

it('a hold of a user whom another session keeps locked is SEAT_LOCKED', async () => {
  const userId = 'locked';
  const { statement, values } = lockUsers([{ eventId: eventIdOf(seatIds[0]!), userId }]);
  await engine.whileLocked({ text: statement.text, values: [...values] }, async () => {
    const { code } = await refusal(engine.core.holdSeats({ seatIds: [seatIds[0]!], userId }));
    expect(code).toBe('SEAT_LOCKED');
  });
});

it('an idempotency key that two processes use for two seats at a time opens no circuit, and refuses no other hold', async () => {
  await using other = engine.withSettings({});
  const pairs = await atOnce(40, async (index) => {
    const both = [engine.core, other].map(async (core, side) =>
      core.holdSeats({
        seatIds: [seatIds[100 + 2 * index + side]!],
        userId: 'twice',
        idempotencyKey: `key-${index}`,
      }),
    );
    const others = [hold(engine.core), hold(other)];
    const outcomes = await Promise.allSettled(both);
    await Promise.all(others);
    return outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? 'held' : (outcome.reason as { readonly code: string }).code,
    );
  });
  expect(pairs.filter(({ status }) => status === 'rejected')).toEqual([]);
  expect(engine.log.filter(({ message }) => message.startsWith('circuit opened'))).toEqual([]);
});
