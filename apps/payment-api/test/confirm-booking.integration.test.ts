import { randomUUID } from 'node:crypto';
import { atOnce, auditViolations, expectProblem } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestPayments, type TestPayments } from './fixtures/test-payments.ts';
import { anyone } from '@ticketing/seat-core';

let payments: TestPayments;
beforeAll(async () => {
  payments = await openTestPayments();
});
afterEach(async () => expect(await auditViolations(payments.databaseUrl)).toEqual([]));
afterAll(async () => payments[Symbol.asyncDispose]());

const hold = async (seatIds: string[]) => payments.core.holdSeats({ seatIds, userId: 'ani' });

/** A hold whose deadline has passed and whose clean-up has not run. */
async function holdOverdue(): Promise<string> {
  const seatIds = await payments.makeEvent(1);
  const { id: bookingId } = await payments.brief.holdSeats({ seatIds, userId: 'ani' });
  const status = async () => (await payments.core.getBooking({ bookingId, ownedBy: anyone })).status;
  await expect.poll(status, { interval: 5 }).toBe('EXPIRED');
  return bookingId;
}

describe('POST /api/v1/payment/:bookingId/confirm', () => {
  it('a confirm sells the seats and answers the booking, member by member', async () => {
    const seatIds = await payments.makeEvent(2);
    const booking = await hold(seatIds);
    const { status, headers, body } = await payments.confirm(booking.id.toUpperCase());
    expect(status).toBe(200);
    expect(body).toEqual({
      id: booking.id,
      eventId: booking.eventId,
      userId: 'ani',
      status: 'CONFIRMED',
      seats: seatIds.map((id, index) => ({
        id,
        eventId: booking.eventId,
        section: 'Tribun',
        row: 'A',
        number: index + 1,
        price: { amount: 15_000_000, currency: 'IDR' },
        status: 'SOLD',
      })),
      total: { amount: 30_000_000, currency: 'IDR' },
      createdAt: booking.createdAt.toISOString(),
      expiresAt: booking.expiresAt.toISOString(),
      expiresInSeconds: null,
      confirmedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await payments.redis.mget(seatIds.map((id) => `status:seat:${id}`))).toEqual(['SOLD', 'SOLD']);
  });

  it('a second confirm gets the same body and counts no ticket twice', async () => {
    const booking = await hold(await payments.makeEvent(3));
    const before = await payments.ticketsSold();
    const first = await payments.confirm(booking.id);
    const again = await payments.confirm(booking.id);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await payments.ticketsSold()).toBe(before + 3);
  });

  it('20 simultaneous confirms count each ticket once', async () => {
    const booking = await hold(await payments.makeEvent(2));
    const before = await payments.ticketsSold();
    const outcomes = await atOnce(20, async () => payments.confirm(booking.id));
    const bodies = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.body : outcome));
    expect(bodies[0]).toMatchObject({ status: 'CONFIRMED' });
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(await payments.ticketsSold()).toBe(before + 2);
  });

  it('refuses a confirm after the deadline, before and after the clean-up', async () => {
    const bookingId = await holdOverdue();
    const expired = { status: 400, code: 'BOOKING_EXPIRED' };
    expectProblem(await payments.confirm(bookingId), expired);
    expect(await payments.core.sweepOverdue()).toBe(1);
    expectProblem(await payments.confirm(bookingId), expired);
  });

  it('refuses a confirm of a released booking with BOOKING_NOT_PENDING', async () => {
    const booking = await hold(await payments.makeEvent(1));
    await payments.core.releaseBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'test' });
    expectProblem(await payments.confirm(booking.id), {
      status: 400,
      code: 'BOOKING_NOT_PENDING',
      bookingStatus: 'CANCELLED',
    });
  });

  it('a confirm of an unknown id is 404, of a malformed one 400', async () => {
    expectProblem(await payments.confirm(randomUUID()), { status: 404, code: 'BOOKING_NOT_FOUND' });
    expectProblem(await payments.confirm('7'), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/bookingId', detail: 'the path parameter must be a UUID' }],
    });
  });

  it.each([
    ['no body', undefined, {}],
    ['an empty object', '{}', {}],
    ['an empty object as JSON', '{}', { 'content-type': 'application/json' }],
    ['an empty body of type JSON', '', { 'content-type': 'application/json' }],
    ['an empty object as a form', '{}', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('a confirm takes %s', async (_name, body, headers) => {
    const booking = await hold(await payments.makeEvent(1));
    expect((await payments.confirm(booking.id, body, headers)).status).toBe(200);
  });

  it('a confirm with another body is refused and sells nothing', async () => {
    const booking = await hold(await payments.makeEvent(1));
    const answer = await payments.confirm(booking.id, '{"amount":1}', { 'content-type': 'application/json' });
    expectProblem(answer, {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/amount', detail: 'is not a known member' }],
    });
    expect((await payments.core.getBooking({ bookingId: booking.id, ownedBy: anyone })).status).toBe(
      'PENDING',
    );
  });
});

describe('payment-api as a service', () => {
  it('a route of another service is ROUTE_NOT_FOUND', async () => {
    const response = await fetch(`${payments.url}/api/v1/events`);
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ code: 'ROUTE_NOT_FOUND' }),
    ]);
  });

  it('payment-api is ready while PostgreSQL answers', async () => {
    const response = await fetch(`${payments.url}/health/ready`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }]);
  });

  it('measures confirms by route, with no id in a label', async () => {
    await payments.confirm(randomUUID());
    const metrics = await (await fetch(`${payments.url}/metrics`)).text();
    expect(metrics).toContain(
      'http_request_duration_seconds_count{method="POST",route="/api/v1/payment/:bookingId/confirm",status="404"}',
    );
    expect(metrics).toContain('pg_pool_connections{state="idle"}');
    expect(metrics).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});
