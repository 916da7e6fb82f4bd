import { randomUUID } from 'node:crypto';
import { anyone } from '@ticketing/seat-core';
import { auditViolations, expectProblem } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openApiOn, openTestApi, type BookingBody, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
/** Another process, whose holds are overdue as soon as they are made. */
let brief: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  brief = await openApiOn(api.stack, { holdSeconds: 0.001 });
});
afterEach(async () => expect(await auditViolations(api.stack.databaseUrl)).toEqual([]));
afterAll(async () => {
  await brief[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

const read = (id: string) => api.call<BookingBody>('GET', `/api/v1/booking/${id}`);
const release = (id: string, body?: unknown, headers?: Record<string, string>) =>
  api.call<BookingBody>('DELETE', `/api/v1/booking/${id}`, body, headers);
const list = (query: string) => api.call<{ bookings: BookingBody[] }>('GET', `/api/v1/booking?${query}`);

/** A hold past its deadline that no clean-up has ended. */
async function holdOverdue(seatIds: string[], userId?: string): Promise<BookingBody> {
  const booking = await brief.hold(seatIds, userId);
  await expect.poll(async () => (await read(booking.id)).body.status, { interval: 5 }).toBe('EXPIRED');
  return booking;
}

describe('GET /api/v1/booking/:bookingId', () => {
  it('reads a booking as its hold answered it, with the seconds that are left', async () => {
    const { seatIds } = await api.createEvent(2);
    const booking = await api.hold(seatIds);
    const { status, headers, body } = await read(booking.id);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({ ...booking, expiresInSeconds: expect.any(Number) as number });
    expect(body.expiresInSeconds).toBeGreaterThanOrEqual(110);
    expect(body.expiresInSeconds).toBeLessThan(120);
  });

  it('reads a hold past its deadline as EXPIRED before the clean-up ran', async () => {
    const { seatIds } = await api.createEvent(1);
    const booking = await holdOverdue(seatIds);
    expect(await api.query('select status from bookings where id = $1', [booking.id])).toEqual([
      { status: 'PENDING' },
    ]);
    const { body } = await read(booking.id);
    expect(body).toEqual({ ...booking, status: 'EXPIRED', expiresInSeconds: null });
  });

  it('answers 404 to reading an unknown booking and 400 to a malformed id', async () => {
    expectProblem(await read(randomUUID()), { status: 404, code: 'BOOKING_NOT_FOUND' });
    expectProblem(await read('42'), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/bookingId', detail: 'the path parameter must be a UUID' }],
    });
  });
});

describe('GET /api/v1/booking?eventId=&userId=', () => {
  it('lists the live bookings of one user in one event, the newest first', async () => {
    const { event, seatIds } = await api.createEvent(6);
    const elsewhere = await api.createEvent(1);
    const sold = await api.hold(seatIds[0]!);
    await api.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'test' });
    const held = await api.hold([seatIds[1]!, seatIds[2]!]);
    await release((await api.hold(seatIds[3]!)).id);
    await holdOverdue([seatIds[4]!], 'ani');
    await api.hold(seatIds[5]!, 'budi');
    await api.hold(elsewhere.seatIds[0]!);

    const { status, headers, body } = await list(`eventId=${event.id.toUpperCase()}&userId=ani`);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(Object.keys(body)).toEqual(['bookings']);
    const alone = (await read(held.id)).body;
    // A second may have passed between the two.
    const expiresInSeconds = expect.any(Number) as number;
    expect(body.bookings).toEqual([{ ...alone, expiresInSeconds }, (await read(sold.id)).body]);
    expect(body.bookings.map((booking) => booking.status)).toEqual(['PENDING', 'CONFIRMED']);
  });

  it('lists no bookings for a user without any', async () => {
    const { event } = await api.createEvent(1);
    expect((await list(`eventId=${event.id}&userId=cici`)).body).toEqual({ bookings: [] });
  });

  it('refuses to list bookings without the event or the user', async () => {
    const refused = { status: 400, code: 'VALIDATION_FAILED' };
    expectProblem(await list('userId=ani'), {
      ...refused,
      errors: [{ pointer: '/eventId', detail: 'the query parameter is required' }],
    });
    expectProblem(await list(`eventId=${randomUUID()}`), {
      ...refused,
      errors: [{ pointer: '/userId', detail: 'is required' }],
    });
    expectProblem(await list('eventId=1&userId=ani'), {
      ...refused,
      errors: [{ pointer: '/eventId', detail: 'the query parameter must be a UUID' }],
    });
    expectProblem(await list(`eventId=${randomUUID()}&userId=a%20b`), {
      ...refused,
      errors: [{ pointer: '/userId', detail: 'must be 1 to 128 visible ASCII characters' }],
    });
  });
});

describe('DELETE /api/v1/booking/:bookingId', () => {
  it('releases the seats of a hold, and answers the same when it is released again', async () => {
    const { seatIds } = await api.createEvent(2);
    const booking = await api.hold(seatIds);
    const first = await release(booking.id);
    expect(first.status).toBe(200);
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(first.body).toEqual({
      ...booking,
      status: 'CANCELLED',
      expiresInSeconds: null,
      seats: booking.seats.map((seat) => ({ ...seat, status: 'AVAILABLE' })),
    });
    const again = await release(booking.id);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect((await api.hold(seatIds, 'budi')).userId).toBe('budi');
  });

  it('refuses to release a confirmed or expired booking, and names its status', async () => {
    const { seatIds } = await api.createEvent(2);
    const sold = await api.hold(seatIds[0]!);
    await api.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'test' });
    const expired = await holdOverdue([seatIds[1]!]);
    const refused = { status: 400, code: 'BOOKING_NOT_PENDING' };
    expectProblem(await release(sold.id), { ...refused, bookingStatus: 'CONFIRMED' });
    expectProblem(await release(expired.id), { ...refused, bookingStatus: 'EXPIRED' });
    await api.core.sweepOverdue();
    expectProblem(await release(expired.id), { ...refused, bookingStatus: 'EXPIRED' });
  });

  it('answers 404 to releasing an unknown booking and 400 to a malformed id', async () => {
    expectProblem(await release(randomUUID()), { status: 404, code: 'BOOKING_NOT_FOUND' });
    expectProblem(await release('not-an-id'), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/bookingId', detail: 'the path parameter must be a UUID' }],
    });
  });

  it.each([
    ['no body', undefined, {}],
    ['an empty object', '{}', {}],
    ['an empty object, declared as JSON', '{}', { 'content-type': 'application/json' }],
    ['no body, declared as JSON', undefined, { 'content-type': 'application/json' }],
    ['an empty object, declared as text', ' {} ', { 'content-type': 'text/plain' }],
    ['an empty form', '', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('releases a booking when the request has %s', async (_name, body, headers) => {
    const { seatIds } = await api.createEvent(1);
    expect((await release((await api.hold(seatIds)).id, body, headers)).status).toBe(200);
  });

  it('refuses a body with members, and then releases nothing', async () => {
    const { seatIds } = await api.createEvent(1);
    const booking = await api.hold(seatIds);
    expectProblem(await release(booking.id, { reason: 'changed my mind' }), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/reason', detail: 'is not a known member' }],
    });
    expect((await read(booking.id)).body.status).toBe('PENDING');
  });
});
