import { randomUUID } from 'node:crypto';
import {
  type Answer,
  auditViolations,
  claimsOf,
  eventInput,
  expectProblem,
  signToken,
} from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type BookingBody, type TestApi } from '../fixtures/test-api.ts';

const secret = 'a secret of more than thirty-two bytes';
let api: TestApi;
beforeAll(async () => {
  api = await openTestApi(
    {},
    { authentication: { kind: 'secret', secret, issuer: 'https://id.test', audience: 'ticketing' } },
  );
});
afterEach(async () => expect(await auditViolations(api.stack.databaseUrl)).toEqual([]));
afterAll(async () => api[Symbol.asyncDispose]());

const good = { iss: 'https://id.test', aud: 'ticketing' };
const now = () => Math.floor(Date.now() / 1000);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const as = (userId: string, ...roles: string[]) =>
  bearer(signToken({ ...claimsOf(userId, ...roles), ...good }, { key: secret }));
const asAni = (claims: object) =>
  bearer(signToken({ ...claimsOf('ani', 'admin'), ...good, ...claims }, { key: secret }));

async function holdAs(userId: string): Promise<BookingBody> {
  const { seatIds } = await api.createEvent(1);
  const { status, body } = await api.call<BookingBody>(
    'POST',
    '/api/v1/booking',
    { seatId: seatIds[0] },
    as(userId),
  );
  expect(status).toBe(201);
  return body;
}

/** The requests for one booking. */
const requests = [
  ['GET', (id: string) => `/api/v1/booking/${id}`],
  ['DELETE', (id: string) => `/api/v1/booking/${id}`],
] as const;

const refusedTokens = (): [string, Record<string, string>][] => [
  ['no token', {}],
  ['an expired token', asAni({ exp: now() - 60 })],
  ['a token that is not valid yet', asAni({ nbf: now() + 60 })],
  ['a token for another audience', asAni({ aud: 'somewhere-else' })],
  ['a token of another issuer', asAni({ iss: 'https://elsewhere.test' })],
  ['a token with another secret', bearer(signToken({ ...claimsOf('ani'), ...good }, { key: `${secret}x` }))],
  ['an unsigned token', bearer(signToken({ ...claimsOf('ani', 'admin'), ...good }))],
];

describe('a booking', () => {
  it('books for the subject of the token, and lists its bookings to no other user', async () => {
    const booking = await holdAs('ani');
    expect(booking.userId).toBe('ani');
    const { body } = await api.call<{ bookings: BookingBody[] }>(
      'GET',
      `/api/v1/booking?eventId=${booking.eventId}`,
      undefined,
      as('ani'),
    );
    expect(body.bookings.map(({ id }) => id)).toEqual([booking.id]);
    const others = await api.call('GET', `/api/v1/booking?eventId=${booking.eventId}`, undefined, as('budi'));
    expect(others.body).toEqual({ bookings: [] });
  });

  it.each(requests)('answers %s of a booking to its owner', async (method, path) => {
    const { id } = await holdAs('ani');
    const { status, body } = await api.call<BookingBody>(method, path(id), undefined, as('ani'));
    expect([status, body.id]).toEqual([200, id]);
  });

  it.each(
    requests.flatMap(([method, path]) =>
      (['payments', 'admin'] as const).map((role) => [method, role, path] as const),
    ),
  )('answers %s of another user’s booking to the role %s', async (method, role, path) => {
    const { id } = await holdAs('ani');
    const { status, body } = await api.call<BookingBody>(method, path(id), undefined, as('cici', role));
    expect([status, body.userId]).toEqual([200, 'ani']);
  });

  it.each(requests)(
    'answers %s of another user’s booking exactly as that of an unknown one',
    async (method, path) => {
      const { id } = await holdAs('ani');
      const answers: Answer<unknown>[] = [];
      for (const bookingId of [id, randomUUID()]) {
        for (const caller of [as('budi'), as('org', 'organizer')]) {
          const headers = { ...caller, 'x-request-id': 'same' };
          answers.push(await api.call(method, path(bookingId), undefined, headers));
        }
      }
      for (const answer of answers) expectProblem(answer, { status: 404, code: 'BOOKING_NOT_FOUND' });
      const seen = answers.map(({ headers, body }) =>
        JSON.stringify([[...headers].filter(([name]) => name !== 'date'), body]),
      );
      expect(new Set(seen).size).toBe(1);
      const { body } = await api.call<BookingBody>('GET', `/api/v1/booking/${id}`, undefined, as('ani'));
      expect(body.status).toBe('PENDING');
    },
  );

  it.each(refusedTokens())('refuses to read, release, list and hold with %s', async (_name, headers) => {
    const { id, eventId } = await holdAs('ani');
    const { seatIds } = await api.createEvent(1);
    for (const answer of [
      await api.call('GET', `/api/v1/booking/${id}`, undefined, headers),
      await api.call('DELETE', `/api/v1/booking/${id}`, undefined, headers),
      await api.call('GET', `/api/v1/booking?eventId=${eventId}`, undefined, headers),
      await api.call('POST', '/api/v1/booking', { seatId: seatIds[0] }, headers),
    ]) {
      expectProblem(answer, { status: 401, code: 'UNAUTHENTICATED' });
    }
    const { body } = await api.call<BookingBody>('GET', `/api/v1/booking/${id}`, undefined, as('ani'));
    expect(body.status).toBe('PENDING');
  });

  it('records in the history of a booking which user released it', async () => {
    const { id } = await holdAs('ani');
    await api.call('DELETE', `/api/v1/booking/${id}`, undefined, as('cici', 'admin'));
    const rows = await api.query<{ actor: string }>(
      'select actor from booking_events where booking_id = $1 order by at',
      [id],
    );
    expect(rows.map(({ actor }) => actor)).toEqual(['ani', 'cici']);
  });
});

describe('a user id beside a token', () => {
  const refusal = {
    status: 400,
    code: 'VALIDATION_FAILED',
    errors: [{ pointer: '/userId', detail: 'is taken from the token: leave it out' }],
  };

  it.each(['budi', 'ani'])('refuses a user id in a body beside a token: %s', async (userId) => {
    const { seatIds } = await api.createEvent(1);
    const request = { seatId: seatIds[0], userId };
    expectProblem(await api.call('POST', '/api/v1/booking', request, as('ani')), refusal);
    expectProblem(await api.call('POST', '/api/v1/booking', request, as('ani', 'admin')), refusal);
  });

  it('refuses a user id in a query beside a token', async () => {
    const { event } = await api.createEvent(1);
    const path = `/api/v1/booking?eventId=${event.id}&userId=budi`;
    expectProblem(await api.call('GET', path, undefined, as('ani')), refusal);
  });

  it.each(['status', 'price', 'total', 'expiresAt', 'version', 'live', 'id', 'sub', 'roles', '__proto__x'])(
    'refuses the unknown member %s in a hold request',
    async (member) => {
      const { seatIds } = await api.createEvent(1);
      expectProblem(
        await api.call('POST', '/api/v1/booking', { seatId: seatIds[0], [member]: 'CONFIRMED' }, as('ani')),
        {
          status: 400,
          code: 'VALIDATION_FAILED',
          errors: [{ pointer: `/${member}`, detail: 'is not a known member' }],
        },
      );
    },
  );
});

describe('creating an event', () => {
  const create = (headers: Record<string, string>) =>
    api.call('POST', '/api/v1/events', eventInput({ seats: 1 }), headers);

  it.each(['organizer', 'admin'])('lets the role %s create an event', async (role) => {
    expect((await create(as('org', role))).status).toBe(201);
  });

  it('refuses to create an event for every other user as FORBIDDEN', async () => {
    for (const caller of [as('ani'), as('cici', 'payments')]) {
      expectProblem(await create(caller), { status: 403, code: 'FORBIDDEN' });
    }
  });

  it.each(refusedTokens())('refuses to create an event with %s', async (_name, headers) => {
    expectProblem(await create(headers), { status: 401, code: 'UNAUTHENTICATED' });
  });
});

describe('events and seats', () => {
  it('answers events and seats without a token and with an invalid one', async () => {
    const { event } = await api.createEvent(1);
    for (const path of [
      '/api/v1/events',
      `/api/v1/events/${event.id}`,
      `/api/v1/events/${event.id}/seats`,
      `/api/v1/seats/available?eventId=${event.id}`,
    ]) {
      expect((await api.call('GET', path)).status).toBe(200);
      expect((await api.call('GET', path, undefined, bearer('wrong'))).status).toBe(200);
    }
  });

  it('does not reveal in events, seats and refusals which user holds a seat', async () => {
    const { event, seatIds } = await api.createEvent(2);
    await api.call('POST', '/api/v1/booking', { seatId: seatIds[0] }, as('ani-the-secret-buyer'));
    for (const path of [`/api/v1/events/${event.id}`, `/api/v1/events/${event.id}/seats`]) {
      const { body } = await api.call('GET', path);
      expect(JSON.stringify(body)).not.toContain('ani-the-secret-buyer');
    }
    const second = await api.call('POST', '/api/v1/booking', { seatIds }, as('budi'));
    expect(JSON.stringify(second.body)).not.toContain('ani-the-secret-buyer');
  });
});
