import { auditViolations } from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SeatCoreError } from '../../src/errors.ts';
import { readTimestamp } from '../../src/instants.ts';
import { valueTypes } from '../../src/postgres/value-types.ts';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(async () => expect(await auditViolations(engine.databaseUrl)).toEqual([]));
afterAll(async () => engine[Symbol.asyncDispose]());

const timestamptz = pg.types.builtins.TIMESTAMPTZ;

/** What a row is that the code cannot read: the driver gives it null, as for a date style it does not know, or throws. */
const unreadable = {
  'a time that is null': () => null,
  'a time that the driver cannot read': () => {
    throw new TypeError('not a time');
  },
};

async function whileTimesAre<T>(kind: keyof typeof unreadable, work: () => Promise<T>): Promise<T> {
  valueTypes.setTypeParser(timestamptz, unreadable[kind]);
  try {
    return await work();
  } finally {
    valueTypes.setTypeParser(timestamptz, readTimestamp);
  }
}

const errorsLogged = () => engine.log.filter(({ level }) => level === 'error');

async function expectUnknownOutcome(work: Promise<unknown>): Promise<void> {
  const before = errorsLogged().length;
  const error = (await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as SeatCoreError | undefined;
  expect(error).toMatchObject({
    code: 'DEPENDENCY_UNAVAILABLE',
    retryable: true,
    details: { outcome: 'unknown' },
    cause: expect.any(TypeError) as TypeError,
  });
  const logged = errorsLogged().slice(before);
  expect(logged).toHaveLength(1);
  expect(logged[0]!.fields).toMatchObject({ err: error!.cause });
}

describe('an unexpected error after the commit', () => {
  it.each(Object.keys(unreadable) as (keyof typeof unreadable)[])(
    'of a hold (%s) is an unknown outcome, and the retry with the key repeats the answer',
    async (kind) => {
      const { seatIds } = await engine.makeEvent(2);
      const input = { seatIds, userId: 'ani', idempotencyKey: `hold-${seatIds[0]}` };
      await whileTimesAre(kind, () => expectUnknownOutcome(engine.core.holdSeats(input)));
      const retried = await engine.core.holdSeats(input);
      expect(retried).toMatchObject({ status: 'PENDING', replayed: true });
      expect(retried.expiresAt.getTime() - retried.createdAt.getTime()).toBe(120_000);
    },
  );

  it.each(['confirmBooking', 'releaseBooking'] as const)(
    'of %s is an unknown outcome, and the retry with the key repeats the answer',
    async (verb) => {
      const { seatIds } = await engine.makeEvent(2);
      const { id: bookingId } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
      const input = { bookingId, ownedBy: anyone, actor: 'till', idempotencyKey: `${verb}-${bookingId}` };
      await whileTimesAre('a time that the driver cannot read', () =>
        expectUnknownOutcome(engine.core[verb](input)),
      );
      const retried = await engine.core[verb](input);
      expect(retried).toMatchObject({
        status: verb === 'confirmBooking' ? 'CONFIRMED' : 'CANCELLED',
        replayed: true,
      });
    },
  );

  it('of a batch reaches every request of it as an unknown outcome, and is logged once', async () => {
    const { seatIds } = await engine.makeEvent(4);
    const before = errorsLogged().length;
    const outcomes = await whileTimesAre('a time that is null', () =>
      Promise.allSettled(
        seatIds.map((seatId) => engine.core.holdSeats({ seatIds: [seatId], userId: `buyer-${seatId}` })),
      ),
    );
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { details: { outcome: 'unknown' } } });
    }
    expect(errorsLogged()).toHaveLength(before + 1);
  });

  it.each(Object.keys(unreadable) as (keyof typeof unreadable)[])(
    'of the expiry (%s) ends no process, and the bookings are expired',
    async (kind) => {
      const { seatIds } = await engine.makeEvent(4);
      const brief = engine.withSettings({ holdSeconds: 0.001 });
      const first = await brief.holdSeats({ seatIds: seatIds.slice(0, 2), userId: 'ani' });
      const second = await brief.holdSeats({ seatIds: seatIds.slice(2), userId: 'ani' });
      await engine.untilOverdue(second.id);
      await whileTimesAre(kind, async () => {
        await engine.core.expireBookings({ bookingIds: [first.id] }).catch(() => undefined);
        await expectUnknownOutcome(engine.core.sweepOverdue());
      });
      expect(await engine.storedStatus(first.id)).toBe('EXPIRED');
      expect(await engine.storedStatus(second.id)).toBe('EXPIRED');
    },
  );

  it('does not open the circuit of PostgreSQL: it is no outage', async () => {
    const { seatIds } = await engine.makeEvent(6);
    await whileTimesAre('a time that the driver cannot read', async () => {
      for (const seatId of seatIds) {
        await engine.core.holdSeats({ seatIds: [seatId], userId: 'budi' }).catch(() => undefined);
      }
    });
    expect(engine.log.filter(({ message }) => message.startsWith('circuit opened'))).toEqual([]);
  });
});
