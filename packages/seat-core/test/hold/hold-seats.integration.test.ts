import { randomUUID } from 'node:crypto';
import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newEventId, seatIdOf } from '../../src/ids.ts';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(async () => expect(await auditViolations(engine.databaseUrl)).toEqual([]));
afterAll(async () => engine[Symbol.asyncDispose]());

describe('holdSeats', () => {
  it('holds one seat for two minutes at its price', async () => {
    const { event, seatIds } = await engine.makeEvent(3);
    const booking = await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani', requestId: 'r-1' });
    expect(booking).toEqual({
      replayed: false,
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) as string,
      eventId: event.id,
      userId: 'ani',
      status: 'PENDING',
      seats: [
        {
          id: seatIds[1],
          eventId: event.id,
          section: 'Stalls',
          row: 'A',
          number: 2,
          price: { amount: 150_000, currency: 'IDR' },
          status: 'RESERVED',
        },
      ],
      total: { amount: 150_000, currency: 'IDR' },
      createdAt: expect.any(Date) as Date,
      expiresAt: new Date(booking.createdAt.getTime() + 120_000),
      expiresInSeconds: 120,
      confirmedAt: null,
    });
    const shown = await engine.core.getBooking({ bookingId: booking.id, ownedBy: anyone });
    expect({ ...shown, replayed: false }).toEqual({
      ...booking,
      expiresInSeconds: expect.any(Number) as number,
    });
    expect(shown.expiresInSeconds).toBeGreaterThanOrEqual(118);
    expect(shown.expiresInSeconds).toBeLessThanOrEqual(119);
    expect(await engine.seatRow(seatIds[1]!)).toEqual({ status: 'RESERVED', version: 1 });
    expect(await engine.seatRow(seatIds[0])).toEqual({ status: 'AVAILABLE', version: 0 });
  });

  it('holds all requested seats or none', async () => {
    const { seatIds } = await engine.makeEvent(4);
    await engine.core.holdSeats({ seatIds: [seatIds[2]!], userId: 'budi' });
    await engine.redis.flushdb();
    const request = { seatIds: [seatIds[3]!, seatIds[2]!, seatIds[1]!], userId: 'ani' };
    expect(await refusal(engine.core.holdSeats(request))).toEqual({
      code: 'SEAT_TAKEN',
      details: { seatIds: [seatIds[2]] },
    });
    expect(await engine.seatRow(seatIds[1]!)).toEqual({ status: 'AVAILABLE', version: 0 });
    expect(await engine.seatRow(seatIds[3]!)).toEqual({ status: 'AVAILABLE', version: 0 });
    const booking = await engine.core.holdSeats({ seatIds: [seatIds[3]!, seatIds[1]!], userId: 'ani' });
    expect(booking.seats.map((seat) => seat.id)).toEqual([seatIds[1], seatIds[3]]);
    expect(booking.total).toEqual({ amount: 300_000, currency: 'IDR' });
  });

  it('refuses a second hold of the same seat, from the cache and from the table', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const taken = { code: 'SEAT_TAKEN', details: { seatIds } };
    expect(await refusal(engine.core.holdSeats({ seatIds, userId: 'budi' }))).toEqual(taken);
    await engine.redis.flushdb();
    expect(await refusal(engine.core.holdSeats({ seatIds, userId: 'budi' }))).toEqual(taken);
    expect(await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }))).toEqual(taken);
  });

  it('writes the status keys of taken seats again after a flush of Redis', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const held = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const sold = await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'ani' });
    await engine.redis.flushdb();
    expect((await refusal(engine.core.holdSeats({ seatIds, userId: 'budi' }))).code).toBe('SEAT_TAKEN');
    await expect
      .poll(() => engine.redis.mget(seatIds.map((id) => `status:seat:${id}`)))
      .toEqual(['RESERVED', 'SOLD']);
    expect(await engine.redis.call('PEXPIRETIME', `status:seat:${seatIds[0]}`)).toBe(
      held.expiresAt.getTime(),
    );
    expect(await engine.redis.pttl(`status:seat:${seatIds[1]}`)).toBe(-1);
  });

  it('refuses an unknown seat as SEAT_NOT_FOUND, and leaves no key for it in Redis', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    for (const unknown of [event.id, seatIdOf(event.id, 2)]) {
      const request = { seatIds: [seatIds[0], unknown], userId: 'ani' };
      expect(await refusal(engine.core.holdSeats(request))).toEqual({
        code: 'SEAT_NOT_FOUND',
        details: { seatIds: [unknown] },
      });
      expect(await engine.redis.keys(`*${unknown}*`)).toEqual([]);
    }
    const { code } = await refusal(engine.core.holdSeats({ seatIds: [randomUUID()], userId: 'ani' }));
    expect(code).toBe('SEAT_NOT_FOUND');
    expect((await engine.seatRow(seatIds[0])).status).toBe('AVAILABLE');
  });

  it('refuses seats of two events in one hold', async () => {
    const one = await engine.makeEvent(1);
    const other = await engine.makeEvent(1);
    const request = { seatIds: [...one.seatIds, ...other.seatIds], userId: 'ani' };
    expect(await refusal(engine.core.holdSeats(request))).toEqual({
      code: 'VALIDATION_FAILED',
      details: { errors: [{ pointer: '/seatIds', detail: 'must name seats of one event' }] },
    });
    expect((await engine.seatRow(one.seatIds[0])).status).toBe('AVAILABLE');
  });

  it('reports all errors of an input at once', async () => {
    const id = randomUUID();
    const request = { seatIds: [id, 'seat-1', id.toUpperCase()], userId: 'ani lestari' };
    const { code, details } = await refusal(engine.core.holdSeats(request));
    expect(code).toBe('VALIDATION_FAILED');
    expect(details).toEqual({
      errors: [
        { pointer: '/userId', detail: 'must be 1 to 128 visible ASCII characters' },
        { pointer: '/seatIds/1', detail: 'must be a UUID' },
        { pointer: '/seatIds/2', detail: 'names a seat that is named already' },
      ],
    });
    const eventId = newEventId();
    for (const seatIds of [[], Array.from({ length: 11 }, (_, index) => seatIdOf(eventId, index + 1))]) {
      const { details: bounds } = await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }));
      expect(bounds).toEqual({ errors: [{ pointer: '/seatIds', detail: 'must name 1 to 10 seats' }] });
    }
  });

  it('takes a seat id in capital letters for the same seat', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const booking = await engine.core.holdSeats({ seatIds: [seatIds[0].toUpperCase()], userId: 'ani' });
    expect(booking.seats[0]?.id).toBe(seatIds[0]);
    expect(await engine.redis.get(`status:seat:${seatIds[0]}`)).toBe('RESERVED');
    expect((await engine.core.getBooking({ bookingId: booking.id.toUpperCase(), ownedBy: anyone })).id).toBe(
      booking.id,
    );
  });

  it('publishes a hold to Redis: status keys to the deadline, lists dropped, one change message, one job', async () => {
    const { event, seatIds } = await engine.makeEvent(2);
    await engine.core.listAvailableSeats({ eventId: event.id });
    await engine.core.listAvailableSeats();
    const subscriber = engine.redis.duplicate({ enableOfflineQueue: true, commandTimeout: 5_000 });
    const messages: string[] = [];
    subscriber.on('message', (_channel, message) => messages.push(message));
    await subscriber.subscribe(`seats:changes:${engine.redis.options.db}:${event.id}`);
    const booking = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await expect.poll(() => messages).toHaveLength(1);
    subscriber.disconnect();
    expect(JSON.parse(messages[0]!)).toEqual(seatIds.map((id) => ({ id, status: 'RESERVED', version: 1 })));
    for (const seatId of seatIds) {
      const key = `status:seat:${seatId}`;
      expect(await engine.redis.get(key)).toBe('RESERVED');
      expect(await engine.redis.call('PEXPIRETIME', key)).toBe(booking.expiresAt.getTime());
      expect(await engine.redis.exists(`lock:seat:${seatId}`)).toBe(0);
    }
    expect(await engine.redis.exists('seats:available', `seats:available:${event.id}`)).toBe(0);
    const job = await engine.expiryQueue.getJob(`b-${booking.id}`);
    expect(job?.name).toBe('cleanup');
    expect(job?.data).toEqual({ bookings: [{ bookingId: booking.id, eventId: event.id, seatIds }] });
    expect(job?.opts).toMatchObject({
      delay: 120_000,
      attempts: 3,
      removeOnComplete: true,
      removeOnFail: false,
    });
  });

  it('keeps the prices of the moment of booking', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const booking = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await engine.pool.query('update seats set price_amount = 999 where id = $1', [seatIds[0]]);
    const confirmed = await engine.core.confirmBooking({
      bookingId: booking.id,
      ownedBy: anyone,
      actor: 'ani',
    });
    expect(confirmed.total.amount).toBe(150_000);
    expect(confirmed.seats[0]?.price.amount).toBe(150_000);
    expect({
      ...(await engine.core.getBooking({ bookingId: booking.id, ownedBy: anyone })),
      replayed: false,
    }).toEqual(confirmed);
  });

  it('counts the attempts to hold seats by outcome', async () => {
    const held = await engine.metric('bookings_total', { outcome: 'held' });
    const taken = await engine.metric('bookings_total', { outcome: 'seat_taken' });
    const { seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await refusal(engine.core.holdSeats({ seatIds, userId: 'budi' }));
    expect(await engine.metric('bookings_total', { outcome: 'held' })).toBe(held + 1);
    expect(await engine.metric('bookings_total', { outcome: 'seat_taken' })).toBe(taken + 1);
    expect(await engine.metric('seat_status_cache_total', { result: 'hit' })).toBeGreaterThan(0);
    expect(await engine.metric('seat_lock_acquisitions_total', { result: 'acquired' })).toBeGreaterThan(0);
  });
});
