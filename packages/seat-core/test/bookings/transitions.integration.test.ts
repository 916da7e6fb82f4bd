import { randomUUID } from 'node:crypto';
import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';
import { anyone } from '../../src/records/ownership.ts';

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

/** A booking whose deadline has passed, with nothing having cleaned up. */
async function holdOverdue() {
  const { seatIds } = await engine.makeEvent(2);
  const booking = await engine.withSettings({ holdSeconds: 0.001 }).holdSeats({ seatIds, userId: 'ani' });
  await expect
    .poll(async () => (await engine.core.getBooking({ bookingId: booking.id, ownedBy: anyone })).status)
    .toBe('EXPIRED');
  return { seatIds, booking };
}

describe('confirming', () => {
  it('sells what a booking holds, and counts each ticket once', async () => {
    const { event, seatIds, booking } = await holdTwo();
    const before = await engine.metric('tickets_sold_total');
    const confirmed = await engine.core.confirmBooking({
      bookingId: booking.id, ownedBy: anyone,
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
    const again = await engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'till-4' });
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

  it('refuses after the deadline, though nothing has cleaned up', async () => {
    const { booking, seatIds } = await holdOverdue();
    expect((await refusal(engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' }))).code).toBe(
      'BOOKING_EXPIRED',
    );
    expect((await engine.seatRow(seatIds[0])).status).toBe('RESERVED');
    await engine.core.sweepOverdue();
    expect((await refusal(engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' }))).code).toBe(
      'BOOKING_EXPIRED',
    );
  });

  it('refuses a released booking and says what it is', async () => {
    const { booking } = await holdTwo();
    await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
    expect(await refusal(engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' }))).toEqual({
      code: 'BOOKING_NOT_PENDING',
      details: { bookingStatus: 'CANCELLED' },
    });
  });
});

describe('releasing', () => {
  it('gives the seats back at once', async () => {
    const { event, seatIds, booking } = await holdTwo();
    const released = await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
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

  it('answers a second time as the first, though a seat is another booking’s by now', async () => {
    const { seatIds, booking } = await holdTwo();
    const released = await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
    expect(await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' })).toEqual(released);
    await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'budi' });
    expect(await engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' })).toEqual(released);
  });

  it('refuses what is sold or expired and says which', async () => {
    const { booking } = await holdTwo();
    await engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
    expect(await refusal(engine.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' }))).toEqual({
      code: 'BOOKING_NOT_PENDING',
      details: { bookingStatus: 'CONFIRMED' },
    });
    const overdue = await holdOverdue();
    expect(
      await refusal(engine.core.releaseBooking({ bookingId: overdue.booking.id, ownedBy: anyone, actor: 'ani' })),
    ).toEqual({
      code: 'BOOKING_NOT_PENDING',
      details: { bookingStatus: 'EXPIRED' },
    });
  });
});

describe('whose booking it is', () => {
  it('gives a foreign booking and an unknown one the same answer, and changes nothing', async () => {
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

  it('refuses a malformed id as such', async () => {
    const input = { bookingId: '42', actor: 'ani' };
    for (const verb of ['getBooking', 'confirmBooking', 'releaseBooking'] as const) {
      expect(await refusal(engine.core[verb](input))).toEqual({
        code: 'VALIDATION_FAILED',
        details: { errors: [{ pointer: '/bookingId', detail: 'must be a UUID' }] },
      });
    }
  });
});
