import { randomUUID } from 'node:crypto';
import { anyone } from '@ticketing/seat-core';
import { auditViolations, expectProblem } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openApiOn, openTestApi, type BookingBody, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
/** Another process, whose holds are overdue as soon as they are made. */
let brief: TestApi;
beforeAll(async () => {
  api = await openTestApi({ maxSeatsPerBooking: 4 });
  brief = await openApiOn(api.stack, { holdSeconds: 0.001 });
});
afterEach(async () => expect(await auditViolations(api.stack.databaseUrl)).toEqual([]));
afterAll(async () => {
  await brief[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

const book = (body: unknown, headers?: Record<string, string>) =>
  api.call<BookingBody>('POST', '/api/v1/booking', body, headers);

const uuidOfVersion7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('POST /api/v1/booking', () => {
  it('holds one seat for two minutes and answers the booking, member by member', async () => {
    const { event, seats } = await api.createEvent(2);
    const { status, headers, body } = await book({ seatId: seats[1]!.id, userId: 'ani' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(uuidOfVersion7) as string,
      eventId: event.id,
      userId: 'ani',
      status: 'PENDING',
      seats: [
        {
          id: seats[1]!.id,
          eventId: event.id,
          section: 'Tribun',
          row: 'R1',
          number: 2,
          price: { amount: 15_000_000, currency: 'IDR' },
          status: 'RESERVED',
        },
      ],
      total: { amount: 15_000_000, currency: 'IDR' },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      expiresAt: new Date(Date.parse(body.createdAt) + 120_000).toISOString(),
      expiresInSeconds: 120,
      confirmedAt: null,
    });
    expect(headers.get('location')).toBe(`/api/v1/booking/${body.id}`);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('holds several seats in one booking, each at its own price', async () => {
    const { seats, seatIds } = await api.createEvent([
      { name: 'VIP', price: { amount: 90_000_000, currency: 'IDR' }, rows: [{ name: 'A', seats: 1 }] },
      { name: 'Festival', price: { amount: 25_000_000, currency: 'IDR' }, rows: [{ name: 'A', seats: 2 }] },
    ]);
    const { status, body } = await book({ seatIds: seatIds.toReversed(), userId: 'ani' });
    expect(status).toBe(201);
    expect(body.seats).toEqual(seats.map((seat) => ({ ...seat, status: 'RESERVED' })));
    expect(body.total).toEqual({ amount: 140_000_000, currency: 'IDR' });
  });

  it('keeps the price of the moment of booking', async () => {
    const { seatIds } = await api.createEvent(2);
    const booking = await api.hold(seatIds[0]!);
    await api.query('update seats set price_amount = 999 where id = any($1)', [seatIds]);
    const later = await api.call<BookingBody>('GET', `/api/v1/booking/${booking.id}`);
    expect(later.body.seats[0]?.price).toEqual({ amount: 15_000_000, currency: 'IDR' });
    expect(later.body.total).toEqual({ amount: 15_000_000, currency: 'IDR' });
    expect((await api.hold(seatIds[1]!)).total).toEqual({ amount: 999, currency: 'IDR' });
  });

  it('accepts ids in either case and answers them in lower case', async () => {
    const { seatIds } = await api.createEvent(1);
    const booking = await api.hold(seatIds[0]!.toUpperCase());
    expect(booking.seats[0]?.id).toBe(seatIds[0]);
    const shown = await api.call<BookingBody>('GET', `/api/v1/booking/${booking.id.toUpperCase()}`);
    expect(shown.body.id).toBe(booking.id);
  });

  it('stores the id of the request with the booking', async () => {
    const { seatIds } = await api.createEvent(1);
    const { body } = await book({ seatId: seatIds[0], userId: 'ani' }, { 'x-request-id': 'trace-1' });
    expect(await api.query('select request_id from booking_events where booking_id = $1', [body.id])).toEqual(
      [{ request_id: 'trace-1' }],
    );
  });

  it('holds a seat again at the deadline of its hold, with no expiry-worker running', async () => {
    const { seatIds } = await api.createEvent(2);
    const forgotten = await brief.hold(seatIds, 'budi');
    await expect
      .poll(async () => (await book({ seatId: seatIds[0], userId: 'ani' })).status, { interval: 10 })
      .toBe(201);
    const { body } = await api.call<BookingBody>('GET', `/api/v1/booking/${forgotten.id}`);
    expect(body).toMatchObject({ status: 'EXPIRED', expiresInSeconds: null });
    expect(body.seats.map((seat) => seat.status)).toEqual(['RESERVED', 'AVAILABLE']);
  });
});

describe('a seat that is not free', () => {
  it('refuses held and sold seats as SEAT_TAKEN, naming them and no free seat', async () => {
    const { seatIds } = await api.createEvent(3);
    const [free, held, sold] = seatIds;
    await api.hold(held!);
    await api.core.confirmBooking({ bookingId: (await api.hold(sold!)).id, ownedBy: anyone, actor: 'test' });
    const taken = { status: 400, code: 'SEAT_TAKEN', title: 'Seat taken' };
    expectProblem(await book({ seatIds, userId: 'budi' }), { ...taken, seatIds: [held, sold] });
    expectProblem(await book({ seatIds: [free, held], userId: 'budi' }), { ...taken, seatIds: [held] });
    expectProblem(await book({ seatId: sold, userId: 'budi' }), { ...taken, seatIds: [sold] });
    expectProblem(await book({ seatId: held, userId: 'ani' }), { ...taken, seatIds: [held] });
    await api.redis.flushdb();
    expectProblem(await book({ seatIds, userId: 'budi' }), { ...taken, seatIds: [held, sold] });
    await api.hold(free!);
  });

  it('refuses in Indonesian when Accept-Language prefers it', async () => {
    const { seatIds } = await api.createEvent(1);
    await api.hold(seatIds[0]!);
    const answer = await book({ seatId: seatIds[0], userId: 'budi' }, { 'accept-language': 'id, en;q=0.5' });
    expectProblem(answer, { status: 400, code: 'SEAT_TAKEN', detail: 'Kursi sudah dipesan!', seatIds });
    expect(answer.headers.get('content-language')).toBe('id');
  });

  it('refuses a hold before the sales open, with the moment, the seconds until then, and as retryable', async () => {
    const { event, seatIds } = await api.createEvent(1, { salesOpenAt: new Date(Date.now() + 60_000) });
    const answer = await book({ seatId: seatIds[0], userId: 'ani' });
    expectProblem(answer, {
      status: 400,
      code: 'SALES_NOT_OPEN',
      retryable: true,
      opensAt: event.salesOpenAt,
    });
    const seconds = Number(answer.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThanOrEqual(60);
  });

  it('refuses a hold after the sales closed, also in Indonesian', async () => {
    const { seatIds } = await api.createEvent(1, { startsAt: new Date(Date.now() - 1_000) });
    const answer = await book({ seatId: seatIds[0], userId: 'ani' }, { 'accept-language': 'id' });
    expectProblem(answer, {
      status: 400,
      code: 'SALES_CLOSED',
      detail: 'Penjualan acara ini sudah ditutup: kursinya tidak dapat dipesan lagi.',
    });
  });

  it('refuses a seat that another request is booking as SEAT_LOCKED, and leaves that lock alone', async () => {
    const { seatIds } = await api.createEvent(2);
    const key = `lock:seat:${seatIds[1]}`;
    await api.redis.set(key, 'budi:foreign-token', 'EX', 5);
    const locked = { status: 400, code: 'SEAT_LOCKED', retryable: true };
    const answer = await book({ seatIds, userId: 'ani' });
    expectProblem(answer, locked);
    expect(answer.headers.get('retry-after')).toBe('1');
    expectProblem(await book({ seatIds, userId: 'ani' }, { 'accept-language': 'id' }), {
      ...locked,
      detail: 'Kursi sedang diproses!',
    });
    expect(await api.redis.get(key)).toBe('budi:foreign-token');
    expect(await api.redis.exists(`lock:seat:${seatIds[0]}`)).toBe(0);
    await api.redis.del(key);
    await api.hold(seatIds);
  });

  it('refuses an unknown seat as SEAT_NOT_FOUND, also beside a known one', async () => {
    const { seatIds } = await api.createEvent(1);
    const unknown = { status: 404, code: 'SEAT_NOT_FOUND' };
    expectProblem(await book({ seatId: randomUUID(), userId: 'ani' }), unknown);
    const beyondTheLast = `${seatIds[0]!.slice(0, -1)}2`;
    expectProblem(await book({ seatIds: [seatIds[0], beyondTheLast], userId: 'ani' }), unknown);
    await api.hold(seatIds[0]!);
  });
});

describe('an invalid hold request', () => {
  const id = '01a207cb-fe78-7242-9856-5de10000000a';
  const other = '01a207cb-fe78-7242-9856-5de10000000b';
  const fifth = [1, 2, 3, 4, 5].map((index) => `01a207cb-fe78-7242-9856-5de10000000${index}`);

  it.each([
    ['no seat', { userId: 'ani' }, [['/seatId', 'is required']]],
    ['no user', { seatId: id }, [['/userId', 'is required']]],
    [
      'seatId and seatIds',
      { seatId: id, seatIds: [id], userId: 'ani' },
      [['/seatIds', 'is not a known member']],
    ],
    ['an unknown member', { seatId: id, userId: 'ani', price: 1 }, [['/price', 'is not a known member']]],
    ['a malformed seatId', { seatId: 'A-1', userId: 'ani' }, [['/seatId', 'must be a UUID']]],
    [
      'a malformed one of seatIds',
      { seatIds: [id, 'A-1'], userId: 'ani' },
      [['/seatIds/1', 'must be a UUID']],
    ],
    ['a URN for a seat', { seatId: `urn:uuid:${id}`, userId: 'ani' }, [['/seatId', 'must be a UUID']]],
    ['a number for a seat', { seatId: 7, userId: 'ani' }, [['/seatId', 'must be text']]],
    ['a number for a user', { seatId: id, userId: 7 }, [['/userId', 'must be text']]],
    ['one id for a list', { seatIds: id, userId: 'ani' }, [['/seatIds', 'must be a list']]],
    ['null for a seat', { seatId: null, userId: 'ani' }, [['/seatId', 'must be text']]],
    ['no seat in the list', { seatIds: [], userId: 'ani' }, [['/seatIds', 'must name 1 to 4 seats']]],
    ['more seats than allowed', { seatIds: fifth, userId: 'ani' }, [['/seatIds', 'must name 1 to 4 seats']]],
    [
      'a seat named twice, once in capitals',
      { seatIds: [id, other, id.toUpperCase()], userId: 'ani' },
      [['/seatIds/2', 'names a seat that is named already']],
    ],
    ['an empty user', { seatId: id, userId: '' }, [['/userId', 'must be 1 to 128 visible ASCII characters']]],
    [
      'a space in the user',
      { seatId: id, userId: 'a b' },
      [['/userId', 'must be 1 to 128 visible ASCII characters']],
    ],
    [
      'a long user',
      { seatId: id, userId: 'u'.repeat(129) },
      [['/userId', 'must be 1 to 128 visible ASCII characters']],
    ],
    ['a list for a body', [id], [['', 'must be an object']]],
    ['text for a body', '"seat"', [['', 'must be an object']]],
  ])('refuses a hold request with %s', async (_name, body, errors) => {
    expectProblem(await book(body, { 'content-type': 'application/json' }), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: errors.map(([pointer, detail]) => ({ pointer, detail })),
    });
  });

  it('refuses a hold request without a body, and with one that is not JSON', async () => {
    const refused = {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '', detail: expect.any(String) }],
    };
    expectProblem(await book(undefined), refused);
    expectProblem(await book('{"seatId":', { 'content-type': 'application/json' }), refused);
  });

  it('refuses to hold seats of two events in one booking', async () => {
    const one = await api.createEvent(1);
    const two = await api.createEvent(1);
    const answer = await book({ seatIds: [...one.seatIds, ...two.seatIds], userId: 'ani' });
    expectProblem(answer, {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/seatIds', detail: 'must name seats of one event' }],
    });
    await api.hold(one.seatIds);
  });

  it('accepts a user id of 128 characters and as many seats as allowed', async () => {
    const { seatIds } = await api.createEvent(4);
    expect((await api.hold(seatIds, '!'.repeat(128))).seats).toHaveLength(4);
  });
});
