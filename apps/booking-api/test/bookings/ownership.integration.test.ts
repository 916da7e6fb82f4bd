import { randomUUID } from 'node:crypto';
import { auditViolations, claimsOf, expectProblem, signToken, type Answer } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type BookingBody, type CreatedEvent, type TestApi } from '../fixtures/test-api.ts';

const secret = 'a secret that is long enough for anybody';
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

const hall = (seats: number): Promise<CreatedEvent> => api.createEvent(seats);

async function holdAs(userId: string): Promise<BookingBody> {
  const { seatIds } = await hall(1);
  const { status, body } = await api.call<BookingBody>(
    'POST',
    '/api/v1/booking',
    { seatId: seatIds[0] },
    as(userId),
  );
  expect(status).toBe(201);
  return body;
}

/** The requests that are about one booking. */
const requests = [
  ['GET', (id: string) => `/api/v1/booking/${id}`],
  ['DELETE', (id: string) => `/api/v1/booking/${id}`],
] as const;

const refusedTokens = (): [string, Record<string, string>][] => [
  ['nobody', {}],
  ['an expired token', asAni({ exp: now() - 60 })],
  ['a token of the future', asAni({ nbf: now() + 60 })],
  ['a token for others', asAni({ aud: 'somewhere-else' })],
  ['a token by others', asAni({ iss: 'https://elsewhere.test' })],
  ['a token with another secret', bearer(signToken({ ...claimsOf('ani'), ...good }, { key: `${secret}x` }))],
  ['an unsigned token', bearer(signToken({ ...claimsOf('ani', 'admin'), ...good }))],
];

describe('a booking', () => {
  it('belongs to the subject of the token', async () => {
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

  it.each(requests)('is open to its owner: %s', async (method, path) => {
    const { id } = await holdAs('ani');
    const { status, body } = await api.call<BookingBody>(method, path(id), undefined, as('ani'));
    expect([status, body.id]).toEqual([200, id]);
  });

  it.each(
    requests.flatMap(([method, path]) =>
      (['payments', 'admin'] as const).map((role) => [method, role, path] as const),
    ),
  )('is open: %s to %s', async (method, role, path) => {
    const { id } = await holdAs('ani');
    const { status, body } = await api.call<BookingBody>(method, path(id), undefined, as('cici', role));
    expect([status, body.userId]).toEqual([200, 'ani']);
  });

  it.each(requests)('of somebody else is answered as one that does not exist: %s', async (method, path) => {
    const { id } = await holdAs('ani');
    const answers: Answer<unknown>[] = [];
    for (const bookingId of [id, randomUUID()]) {
      for (const caller of [as('budi'), as('org', 'organizer')]) {
        const headers = { ...caller, 'x-request-id': 'same' };
        answers.push(await api.call(method, path(bookingId), undefined, headers));
      }
    }
    for (const answer of answers) expectProblem(answer, { status: 404, code: 'BOOKING_NOT_FOUND' });
    const told = answers.map(({ headers, body }) =>
      JSON.stringify([[...headers].filter(([name]) => name !== 'date'), body]),
    );
    expect(new Set(told).size).toBe(1);
    const { body } = await api.call<BookingBody>('GET', `/api/v1/booking/${id}`, undefined, as('ani'));
    expect(body.status).toBe('PENDING');
  });

  it.each(refusedTokens())('cannot be reached or made with %s', async (_name, headers) => {
    const { id, eventId } = await holdAs('ani');
    const { seatIds } = await hall(1);
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

  it('keeps in its history who released it', async () => {
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

  it.each(['budi', 'ani'])('is refused in a body, also if it is one’s own: %s', async (userId) => {
    const { seatIds } = await hall(1);
    const wish = { seatId: seatIds[0], userId };
    expectProblem(await api.call('POST', '/api/v1/booking', wish, as('ani')), refusal);
    expectProblem(await api.call('POST', '/api/v1/booking', wish, as('ani', 'admin')), refusal);
  });

  it('is refused in a query', async () => {
    const { event } = await hall(1);
    const path = `/api/v1/booking?eventId=${event.id}&userId=budi`;
    expectProblem(await api.call('GET', path, undefined, as('ani')), refusal);
  });

  it.each(['status', 'price', 'total', 'expiresAt', 'version', 'live', 'id', 'sub', 'roles', '__proto__x'])(
    'nor is any other member taken: %s',
    async (member) => {
      const { seatIds } = await hall(1);
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

describe('making an event', () => {
  const event = () => ({
    name: 'Konser',
    venue: 'Istora',
    startsAt: new Date(Date.now() + 86_400_000).toISOString(),
    sections: [{ name: 'A', price: { amount: 1, currency: 'IDR' }, rows: [{ name: '1', seats: 1 }] }],
  });
  const make = (headers: Record<string, string>) => api.call('POST', '/api/v1/events', event(), headers);

  it.each(['organizer', 'admin'])('is for %s', async (role) => {
    expect((await make(as('org', role))).status).toBe(201);
  });

  it('is FORBIDDEN to every other user', async () => {
    for (const caller of [as('ani'), as('cici', 'payments')]) {
      expectProblem(await make(caller), { status: 403, code: 'FORBIDDEN' });
    }
  });

  it.each(refusedTokens())('is not for %s', async (_name, headers) => {
    expectProblem(await make(headers), { status: 401, code: 'UNAUTHENTICATED' });
  });
});

describe('events and seats', () => {
  it('are read by everybody, also with a token that is no good', async () => {
    const { event } = await hall(1);
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

  it('say nothing about who holds a seat', async () => {
    const { event, seatIds } = await hall(2);
    await api.call('POST', '/api/v1/booking', { seatId: seatIds[0] }, as('ani-the-secret-buyer'));
    for (const path of [`/api/v1/events/${event.id}`, `/api/v1/events/${event.id}/seats`]) {
      const { body } = await api.call('GET', path);
      expect(JSON.stringify(body)).not.toContain('ani-the-secret-buyer');
    }
    const second = await api.call('POST', '/api/v1/booking', { seatIds }, as('budi'));
    expect(JSON.stringify(second.body)).not.toContain('ani-the-secret-buyer');
  });
});
