import { randomUUID } from 'node:crypto';
import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TransitionInput } from '../../src/bookings/commit-transitions.ts';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(async () => expect(await auditViolations(engine.databaseUrl)).toEqual([]));
afterAll(async () => engine[Symbol.asyncDispose]());

async function holdTwo(userId = 'ani') {
  const { event, seatIds } = await engine.makeEvent(2);
  return { event, seatIds, booking: await engine.core.holdSeats({ seatIds, userId }) };
}

/** A booking past its deadline that no job, sweep or buyer has expired yet. */
async function holdOverdue() {
  const { seatIds } = await engine.makeEvent(2);
  const booking = await engine.withSettings({ holdSeconds: 0.001 }).holdSeats({ seatIds, userId: 'ani' });
  await engine.untilOverdue(booking.id);
  return { seatIds, booking };
}

describe('confirmBooking', () => {
  it('sells the seats of a booking, and counts each ticket once', async () => {
    const { event, seatIds, booking } = await holdTwo();
    const before = await engine.metric('tickets_sold_total');
    const confirmed = await engine.core.confirmBooking({
      bookingId: booking.id,
      ownedBy: anyone,
      actor: 'till-3',
      requestId: 'r-9',
    });
    expect(confirmed).toEqual({
      ...booking,
      status: 'CONFIRMED',
      seats: booking.seats.map((seat) => ({ ...seat, status: 'SOLD' })),
      expiresInSeconds: null,
      confirmedAt: expect.any(Date) as Date,
    });
    const again = await engine.core.confirmBooking({
      bookingId: booking.id,
      ownedBy: anyone,
      actor: 'till-4',
    });
    expect(again).toEqual(confirmed);
    expect(await engine.metric('tickets_sold_total')).toBe(before + 2);
    for (const seatId of seatIds) {
      expect(await engine.seatRow(seatId)).toEqual({ status: 'SOLD', version: 2 });
      expect(await engine.redis.get(`status:seat:${seatId}`)).toBe('SOLD');
      expect(await engine.redis.pttl(`status:seat:${seatId}`)).toBe(-1);
    }
    const { rows } = await engine.pool.query(
      `select from_status, to_status, cause, actor, request_id, at, seat_ids, seat_versions::int[]
       from booking_events where event_id = $1 and booking_id = $2 and to_status = 'CONFIRMED'`,
      [event.id, booking.id],
    );
    expect(rows).toEqual([
      {
        from_status: 'PENDING',
        to_status: 'CONFIRMED',
        cause: 'confirm',
        actor: 'till-3',
        request_id: 'r-9',
        at: confirmed.confirmedAt,
        seat_ids: seatIds,
        seat_versions: [2, 2],
      },
    ]);
  });

  it('refuses to confirm after the deadline, also before the clean-up has run', async () => {
    const { booking, seatIds } = await holdOverdue();
    expect(
      (await refusal(engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' })))
        .code,
    ).toBe('BOOKING_EXPIRED');
    expect((await engine.seatRow(seatIds[0])).status).toBe('RESERVED');
    await engine.core.sweepOverdue();
    expect(
      (await refusal(engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' })))
        .code,
    ).toBe('BOOKING_EXPIRED');
  });

  it('refuses to confirm a released booking, and says that it is CANCELLED', async () => {
    const { booking } = await holdTwo();
    await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
    expect(
      await refusal(engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' })),
    ).toEqual({
      code: 'BOOKING_NOT_PENDING',
      details: { bookingStatus: 'CANCELLED' },
    });
  });
});

describe('releaseBooking', () => {
  it('frees the seats of a booking at once', async () => {
    const { event, seatIds, booking } = await holdTwo();
    const released = await engine.core.releaseBooking({
      bookingId: booking.id,
      ownedBy: anyone,
      actor: 'ani',
    });
    expect(released).toMatchObject({
      id: booking.id,
      status: 'CANCELLED',
      expiresInSeconds: null,
      confirmedAt: null,
    });
    expect(released.seats.map((seat) => seat.status)).toEqual(['AVAILABLE', 'AVAILABLE']);
    expect(await engine.redis.exists(...seatIds.map((seatId) => `status:seat:${seatId}`))).toBe(0);
    const next = await engine.core.holdSeats({ seatIds, userId: 'budi' });
    expect(next.eventId).toBe(event.id);
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'RESERVED', version: 3 });
  });

  it('answers a second release as the first, also when another booking has one of the seats', async () => {
    const { seatIds, booking } = await holdTwo();
    const released = await engine.core.releaseBooking({
      bookingId: booking.id,
      ownedBy: anyone,
      actor: 'ani',
    });
    expect(
      await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' }),
    ).toEqual(released);
    await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'budi' });
    expect(
      await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' }),
    ).toEqual(released);
  });

  it('refuses to release a sold or an expired booking, and says which it is', async () => {
    const { booking } = await holdTwo();
    await engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
    expect(
      await refusal(engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' })),
    ).toEqual({
      code: 'BOOKING_NOT_PENDING',
      details: { bookingStatus: 'CONFIRMED' },
    });
    const overdue = await holdOverdue();
    expect(
      await refusal(
        engine.core.releaseBooking({ bookingId: overdue.booking.id, ownedBy: anyone, actor: 'ani' }),
      ),
    ).toEqual({
      code: 'BOOKING_NOT_PENDING',
      details: { bookingStatus: 'EXPIRED' },
    });
  });
});

describe('ownedBy', () => {
  it('answers for a foreign booking as for an unknown one, and changes nothing', async () => {
    const { booking, seatIds } = await holdTwo('ani');
    const foreign = { bookingId: booking.id, ownedBy: 'budi', actor: 'budi' };
    const unknown = { bookingId: randomUUID(), ownedBy: 'budi', actor: 'budi' };
    for (const input of [foreign, unknown]) {
      for (const verb of ['getBooking', 'confirmBooking', 'releaseBooking'] as const) {
        expect(await refusal(engine.core[verb](input))).toEqual({ code: 'BOOKING_NOT_FOUND', details: {} });
      }
    }
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'RESERVED', version: 1 });
    const own = { bookingId: booking.id, ownedBy: 'ani', actor: 'ani' };
    expect((await engine.core.getBooking(own)).id).toBe(booking.id);
    expect((await engine.core.confirmBooking(own)).status).toBe('CONFIRMED');
  });

  it('a user whose id is "anyone" sees and changes only bookings of that user', async () => {
    const { booking, seatIds } = await holdTwo('ani');
    const input = { bookingId: booking.id, ownedBy: 'anyone', actor: 'anyone' };
    for (const verb of ['getBooking', 'confirmBooking', 'releaseBooking'] as const) {
      expect(await refusal(engine.core[verb](input))).toEqual({ code: 'BOOKING_NOT_FOUND', details: {} });
    }
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'RESERVED', version: 1 });
    const { booking: own } = await holdTwo('anyone');
    expect((await engine.core.getBooking({ bookingId: own.id, ownedBy: 'anyone' })).id).toBe(own.id);
  });

  it('refuses a request without an owner: a missing ownedBy never means anyone', async () => {
    const { booking, seatIds } = await holdTwo('ani');
    const input = { bookingId: booking.id, actor: 'ani' } as unknown as TransitionInput;
    for (const verb of ['getBooking', 'confirmBooking', 'releaseBooking'] as const) {
      expect(await refusal(engine.core[verb](input))).toEqual({
        code: 'VALIDATION_FAILED',
        details: { errors: [{ pointer: '/ownedBy', detail: 'must be a user id or `anyone`' }] },
      });
    }
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'RESERVED', version: 1 });
  });

  it('refuses a malformed booking id as VALIDATION_FAILED', async () => {
    const input: TransitionInput = { bookingId: '42', ownedBy: anyone, actor: 'ani' };
    for (const verb of ['getBooking', 'confirmBooking', 'releaseBooking'] as const) {
      expect(await refusal(engine.core[verb](input))).toEqual({
        code: 'VALIDATION_FAILED',
        details: { errors: [{ pointer: '/bookingId', detail: 'must be a UUID' }] },
      });
    }
  });
});
