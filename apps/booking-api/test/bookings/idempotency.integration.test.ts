import { randomUUID } from 'node:crypto';
import { atOnce, auditViolations, claimsOf, eventInput, expectProblem, signToken } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  openApiOn,
  openTestApi,
  type BookingBody,
  type EventBody,
  type TestApi,
} from '../fixtures/test-api.ts';

const secret = 'a secret of more than thirty-two bytes';
let api: TestApi;
/** Another process on the same stack, with authentication on. */
let guarded: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  guarded = await openApiOn(api.stack, {}, { authentication: { kind: 'secret', secret } });
});
afterEach(async () => expect(await auditViolations(api.stack.databaseUrl)).toEqual([]));
afterAll(async () => {
  await guarded[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

const keyed = (key: string, headers: Record<string, string> = {}) => ({ 'idempotency-key': key, ...headers });
const as = (userId: string, ...roles: string[]) => ({
  authorization: `Bearer ${signToken(claimsOf(userId, ...roles), { key: secret })}`,
});
const book = (seatId: string, headers: Record<string, string>, userId = 'ani') =>
  api.call<BookingBody>('POST', '/api/v1/booking', { seatId, userId }, headers);
const oneSeat = async () => (await api.createEvent(1)).seatIds[0]!;

describe('POST /api/v1/booking with an Idempotency-Key', () => {
  it('answers a repeated hold with the same bytes, and marks the answer as replayed', async () => {
    const seatId = await oneSeat();
    const headers = { 'content-type': 'application/json', ...keyed(randomUUID()) };
    const send = () =>
      fetch(`${api.url}/api/v1/booking`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ seatId, userId: 'ani' }),
      });
    const first = await send();
    const again = await send();
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(await again.text()).toBe(await first.text());
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('holds once when 20 requests with one idempotency key arrive at once', async () => {
    const seatId = await oneSeat();
    const headers = keyed(randomUUID());
    const outcomes = await atOnce(20, () => book(seatId, headers));
    const answers = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined));
    expect(answers.map((answer) => answer?.status)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(new Set(answers.map((answer) => answer?.body.id)).size).toBe(1);
    expect(answers.filter((answer) => answer?.headers.get('idempotency-replayed') === null)).toHaveLength(1);
  });

  it('takes members in another order and ids in another case for the same request', async () => {
    const seatId = await oneSeat();
    const headers = keyed(randomUUID());
    const first = await book(seatId, headers);
    const again = await api.call<BookingBody>(
      'POST',
      '/api/v1/booking',
      { userId: 'ani', seatId: seatId.toUpperCase() },
      headers,
    );
    expect([again.status, again.body]).toEqual([201, first.body]);
  });

  it('refuses a key that is reused for another seat as IDEMPOTENCY_KEY_REUSED', async () => {
    const { seatIds } = await api.createEvent(2);
    const headers = keyed(randomUUID());
    await book(seatIds[0]!, headers);
    expectProblem(await book(seatIds[1]!, headers), { status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('does not remember a refusal: the next attempt with the same key can hold the seat', async () => {
    const seatId = await oneSeat();
    const other = await book(seatId, {}, 'budi');
    const headers = keyed(randomUUID());
    expectProblem(await book(seatId, headers), { status: 400, code: 'SEAT_TAKEN', seatIds: [seatId] });
    await api.call('DELETE', `/api/v1/booking/${other.body.id}`);
    const again = await book(seatId, headers);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  it('refuses a malformed idempotency key, and holds nothing', async () => {
    const seatId = await oneSeat();
    expectProblem(await book(seatId, keyed('a b')), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [
        {
          pointer: '/idempotency-key',
          detail: 'the header Idempotency-Key must be 1 to 255 visible ASCII characters',
        },
      ],
    });
    expect((await book(seatId, {})).status).toBe(201);
  });

  it('keeps the idempotency keys of users apart, and reveals nothing to another user', async () => {
    const { seatIds } = await guarded.createEvent(2);
    const key = randomUUID();
    const hold = (seatId: string, userId: string) =>
      guarded.call<BookingBody>('POST', '/api/v1/booking', { seatId }, keyed(key, as(userId)));
    const ani = await hold(seatIds[0]!, 'ani');
    const budi = await hold(seatIds[1]!, 'budi');
    expect([ani.body.userId, budi.body.userId]).toEqual(['ani', 'budi']);
    expect(budi.headers.get('idempotency-replayed')).toBeNull();
    // A thief of the key who sends the owner's request is refused as any other user.
    expectProblem(await hold(seatIds[0]!, 'cici'), {
      status: 400,
      code: 'SEAT_TAKEN',
      seatIds: [seatIds[0]],
    });
  });

  it('keeps the idempotency keys of routes apart', async () => {
    const seatId = await oneSeat();
    const headers = keyed(randomUUID());
    const { body } = await book(seatId, headers);
    const released = await api.call<BookingBody>('DELETE', `/api/v1/booking/${body.id}`, undefined, headers);
    expect([released.status, released.body.status]).toEqual([200, 'CANCELLED']);
    expect(released.headers.get('idempotency-replayed')).toBeNull();
  });
});

describe('DELETE /api/v1/booking/:bookingId with an Idempotency-Key', () => {
  it('answers a repeated release the same, and refuses its key for another booking', async () => {
    const one = await api.hold(await oneSeat());
    const other = await api.hold(await oneSeat());
    const headers = keyed(randomUUID());
    const release = (id: string) =>
      api.call<BookingBody>('DELETE', `/api/v1/booking/${id}`, undefined, headers);
    const first = await release(one.id);
    const again = await release(one.id.toUpperCase());
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expectProblem(await release(other.id), { status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('hides a booking from another user who sends the owner’s idempotency key', async () => {
    const { seatIds } = await guarded.createEvent(1);
    const { body } = await guarded.call<BookingBody>(
      'POST',
      '/api/v1/booking',
      { seatId: seatIds[0] },
      as('ani'),
    );
    const key = randomUUID();
    const release = (userId: string) =>
      guarded.call('DELETE', `/api/v1/booking/${body.id}`, undefined, keyed(key, as(userId)));
    expect((await release('ani')).status).toBe(200);
    expectProblem(await release('budi'), { status: 404, code: 'BOOKING_NOT_FOUND' });
  });
});

describe('POST /api/v1/events with an Idempotency-Key', () => {
  it('creates one event for a repeated request, and answers it the same', async () => {
    const event = eventInput({ seats: 2 });
    const headers = keyed(randomUUID());
    const make = (overrides = {}) =>
      api.call<EventBody>('POST', '/api/v1/events', { ...event, ...overrides }, headers);
    const first = await make();
    const again = await make();
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expectProblem(await make({ venue: 'Gelora' }), { status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});
