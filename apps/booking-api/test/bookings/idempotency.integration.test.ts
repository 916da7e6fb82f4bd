import { randomUUID } from 'node:crypto';
import { atOnce, auditViolations, claimsOf, expectProblem, signToken } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  openApiOn,
  openTestApi,
  type BookingBody,
  type EventBody,
  type TestApi,
} from '../fixtures/test-api.ts';

const secret = 'a secret that is long enough for anybody';
let api: TestApi;
/** Another process on the same stack, where callers prove who they are. */
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
  it('answers the same bytes again, and says that it does', async () => {
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

  it('of many at once holds once, whoever of them answers', async () => {
    const seatId = await oneSeat();
    const headers = keyed(randomUUID());
    const outcomes = await atOnce(20, () => book(seatId, headers));
    const answers = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined));
    expect(answers.map((answer) => answer?.status)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(new Set(answers.map((answer) => answer?.body.id)).size).toBe(1);
    expect(answers.filter((answer) => answer?.headers.get('idempotency-replayed') === null)).toHaveLength(1);
  });

  it('is the same request with members in another order and ids in another case', async () => {
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

  it('is IDEMPOTENCY_KEY_REUSED when it asks for something else', async () => {
    const { seatIds } = await api.createEvent(2);
    const headers = keyed(randomUUID());
    await book(seatIds[0]!, headers);
    expectProblem(await book(seatIds[1]!, headers), { status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('remembers no refusal: the next attempt is judged afresh', async () => {
    const seatId = await oneSeat();
    const other = await book(seatId, {}, 'budi');
    const headers = keyed(randomUUID());
    expectProblem(await book(seatId, headers), { status: 400, code: 'SEAT_TAKEN', seatIds: [seatId] });
    await api.call('DELETE', `/api/v1/booking/${other.body.id}`);
    const again = await book(seatId, headers);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  it('is refused when it is malformed, and holds nothing', async () => {
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

  it('belongs to its user: the same key of another one is another key, and tells nothing', async () => {
    const { seatIds } = await guarded.createEvent(2);
    const key = randomUUID();
    const hold = (seatId: string, userId: string) =>
      guarded.call<BookingBody>('POST', '/api/v1/booking', { seatId }, keyed(key, as(userId)));
    const ani = await hold(seatIds[0]!, 'ani');
    const budi = await hold(seatIds[1]!, 'budi');
    expect([ani.body.userId, budi.body.userId]).toEqual(['ani', 'budi']);
    expect(budi.headers.get('idempotency-replayed')).toBeNull();
    // A thief of the key, asking for exactly what its owner asked for, is a stranger at a taken seat.
    expectProblem(await hold(seatIds[0]!, 'cici'), {
      status: 400,
      code: 'SEAT_TAKEN',
      seatIds: [seatIds[0]],
    });
  });

  it('of one route is no key of another', async () => {
    const seatId = await oneSeat();
    const headers = keyed(randomUUID());
    const { body } = await book(seatId, headers);
    const released = await api.call<BookingBody>('DELETE', `/api/v1/booking/${body.id}`, undefined, headers);
    expect([released.status, released.body.status]).toEqual([200, 'CANCELLED']);
    expect(released.headers.get('idempotency-replayed')).toBeNull();
  });
});

describe('DELETE /api/v1/booking/:bookingId with an Idempotency-Key', () => {
  it('answers the same again, and is another request for another booking', async () => {
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

  it('shows nobody the booking of another, also with the owner’s key', async () => {
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
  it('makes one event, and answers the same again', async () => {
    const event = {
      name: 'Konser',
      venue: 'Istora',
      startsAt: '2999-01-01T00:00:00Z',
      sections: [{ name: 'A', price: { amount: 1, currency: 'IDR' }, rows: [{ name: '1', seats: 2 }] }],
    };
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
