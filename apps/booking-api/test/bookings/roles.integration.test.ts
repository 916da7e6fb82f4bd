import { callers, type CallerKind, claimsOf, eventInput, operationsOf, signToken } from '@ticketing/testkit';
import { openApiOf } from '@ticketing/service-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestApi, type BookingBody, type TestApi } from '../fixtures/test-api.ts';

const secret = 'a secret of more than thirty-two bytes';
let api: TestApi;
beforeAll(async () => {
  api = await openTestApi({}, { authentication: { kind: 'secret', secret } });
});
afterAll(async () => api[Symbol.asyncDispose]());

function as(caller: CallerKind): Record<string, string> {
  if (caller === 'none') return {};
  const claims =
    caller === 'owner' || caller === 'another' ? claimsOf(caller) : claimsOf(`a-${caller}`, caller);
  return { authorization: `Bearer ${signToken(claims, { key: secret })}` };
}

interface Subject {
  readonly booking: BookingBody;
  readonly freeSeatId: string;
}

/** A booking of `owner`, and a seat beside it. */
async function makeSubject(): Promise<Subject> {
  const { seatIds } = await api.createEvent(2);
  const { body } = await api.call<BookingBody>(
    'POST',
    '/api/v1/booking',
    { seatId: seatIds[0] },
    as('owner'),
  );
  return { booking: body, freeSeatId: seatIds[1]! };
}

type Row = readonly [
  operation: string,
  path: (subject: Subject) => string,
  body: (subject: Subject) => unknown,
  /** In the order of `callers`. */
  statuses: readonly [number, number, number, number, number, number],
];
const none = () => undefined;
const everyone = (status: number) => [status, status, status, status, status, status] as const;

const rows: readonly Row[] = [
  [
    'POST /api/v1/booking',
    () => '/api/v1/booking',
    ({ freeSeatId }) => ({ seatId: freeSeatId }),
    [401, 201, 201, 201, 201, 201],
  ],
  [
    'GET /api/v1/booking/{bookingId}',
    ({ booking }) => `/api/v1/booking/${booking.id}`,
    none,
    [401, 200, 404, 404, 200, 200],
  ],
  [
    'GET /api/v1/booking',
    ({ booking }) => `/api/v1/booking?eventId=${booking.eventId}`,
    none,
    [401, 200, 200, 200, 200, 200],
  ],
  [
    'DELETE /api/v1/booking/{bookingId}',
    ({ booking }) => `/api/v1/booking/${booking.id}`,
    none,
    [401, 200, 404, 404, 200, 200],
  ],
  [
    'POST /api/v1/events',
    () => '/api/v1/events',
    () => eventInput({ seats: 1 }),
    [401, 403, 403, 201, 403, 201],
  ],
  [
    'GET /api/v1/seats/available',
    ({ booking }) => `/api/v1/seats/available?eventId=${booking.eventId}`,
    none,
    everyone(200),
  ],
  ['GET /api/v1/events', () => '/api/v1/events', none, everyone(200)],
  ['GET /api/v1/events/{eventId}', ({ booking }) => `/api/v1/events/${booking.eventId}`, none, everyone(200)],
  [
    'GET /api/v1/events/{eventId}/seats',
    ({ booking }) => `/api/v1/events/${booking.eventId}/seats`,
    none,
    everyone(200),
  ],
  // 400: public, and not a WebSocket.
  [
    'GET /api/v1/events/{eventId}/live',
    ({ booking }) => `/api/v1/events/${booking.eventId}/live`,
    none,
    everyone(400),
  ],
];

it('the table of routes and roles has every route of booking-api', async () => {
  expect(rows.map(([operation]) => operation).toSorted()).toEqual(operationsOf(await openApiOf(api.app)));
});

it.each(
  rows.flatMap(([operation, path, body, statuses]) =>
    callers.map((caller, index) => [operation, caller, statuses[index]!, path, body] as const),
  ),
)('%s for the caller %s is %i', async (operation, caller, status, path, body) => {
  const subject = await makeSubject();
  const [method = ''] = operation.split(' ');
  const answer = await api.call(method, path(subject), body(subject), as(caller));
  expect(answer.status).toBe(status);
});

it.each(callers.filter((caller) => caller !== 'owner' && caller !== 'none'))(
  'the list of bookings shows the caller %s none of another user',
  async (caller) => {
    const { booking } = await makeSubject();
    const path = `/api/v1/booking?eventId=${booking.eventId}`;
    expect((await api.call('GET', path, undefined, as(caller))).body).toEqual({ bookings: [] });
    expect((await api.call('GET', `${path}&userId=owner`, undefined, as(caller))).status).toBe(400);
  },
);
