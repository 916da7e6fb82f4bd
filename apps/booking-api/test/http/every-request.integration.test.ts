import { eventInput, expectProblem } from '@ticketing/testkit';
import { openApiOf } from '@ticketing/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

describe('any request', () => {
  it('answers with the x-request-id of the request, and with a new one when it has none', async () => {
    const events = (headers: Record<string, string>) => api.call('GET', '/api/v1/events', undefined, headers);
    const kept = await events({ 'x-request-id': 'checkout-7' });
    expect(kept.headers.get('x-request-id')).toBe('checkout-7');
    const made = await events({});
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const replaced = await events({ 'x-request-id': 'x'.repeat(129) });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['GET', '/'],
    ['GET', '/api/v1/bookings'],
    ['GET', '/api/v2/events'],
    ['PATCH', '/api/v1/booking/01a207cb-fe78-7242-9856-5de10f948ac2'],
    ['POST', '/api/v1/payment/01a207cb-fe78-7242-9856-5de10f948ac2/confirm'],
    ['GET', '/api/v1/events/01a207cb-fe78-7242-9856-5de10f948ac2/seats/'],
  ])('answers %s %s with ROUTE_NOT_FOUND', async (method, path) => {
    expectProblem(await api.call(method, path), { status: 404, code: 'ROUTE_NOT_FOUND' });
  });

  it.each([
    ['/api/v1/booking', 'text/plain'],
    ['/api/v1/booking', 'application/x-www-form-urlencoded'],
    ['/api/v1/events', 'application/xml'],
  ])('refuses POST %s with a body of %s as UNSUPPORTED_MEDIA_TYPE', async (path, type) => {
    expectProblem(await api.call('POST', path, '{}', { 'content-type': type }), {
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
    });
  });

  it('refuses a body of 20 kB as PAYLOAD_TOO_LARGE on a route that needs less', async () => {
    const body = { seatId: '01a207cb-fe78-7242-9856-5de10f948ac2', userId: 'u'.repeat(20_000) };
    expectProblem(await api.call('POST', '/api/v1/booking', body), {
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
    });
  });

  it('ignores the body of a GET request', async () => {
    const answer = await api.app.inject({
      method: 'GET',
      url: '/api/v1/events',
      headers: { 'content-type': 'text/plain' },
      payload: '{}',
    });
    expect(answer.statusCode).toBe(200);
  });
});

describe('a request that could be misread', () => {
  const id = '01a207cb-fe78-7242-9856-5de10f948ac2';

  it('is refused on every route for a query parameter that the route does not know', async () => {
    const { paths } = (await openApiOf(api.app)) as { paths: Record<string, Record<string, object>> };
    const bodies: Record<string, unknown> = {
      'post /api/v1/booking': { seatId: id, userId: 'ani' },
      'post /api/v1/events': eventInput({ seats: 1 }),
    };
    const routes = Object.entries(paths)
      .filter(([path]) => path.startsWith('/api/'))
      .flatMap(([path, operations]) => Object.keys(operations).map((method) => [method, path] as const));
    expect(routes).toHaveLength(10);
    for (const [method, path] of routes) {
      // Beside the parameter that the list of bookings requires.
      const query = method === 'get' && path.endsWith('/booking') ? `eventId=${id}&userId=ani&` : '';
      const url = `${path.replace(/\{\w+\}/, id)}?${query}eventid=x`;
      const answer = await api.call(method.toUpperCase(), url, bodies[`${method} ${path}`]);
      expectProblem(answer, {
        status: 400,
        code: 'VALIDATION_FAILED',
        errors: [{ pointer: '/eventid', detail: 'the query parameter is not known' }],
      });
    }
    expect((await api.core.listEvents({ limit: 1 })).events).toEqual([]);
  });

  it.each([
    [`/api/v1/seats/available?eventId=${id}&eventId=${id}`, 400],
    [`/api/v1/seats/available?eventId[]=${id}`, 400],
    [`/api/v1/booking?eventId=${id}&userId=caf%E9`, 400],
    ['/api/v1/booking/%E9', 400],
    [`/api/v1/booking/${id}%E9`, 400],
    ['/health/live?t=1', 200],
    ['/metrics?t=1', 200],
  ])('GET %s is answered %i', async (path, status) => {
    expect((await api.call('GET', path)).status).toBe(status);
  });

  it('is refused when its body is not UTF-8: no event has another name than was sent', async () => {
    const text = JSON.stringify(eventInput({ name: 'Caf\u00e9', seats: 1 }));
    const body = Buffer.from(text, 'latin1');
    const headers = { 'content-type': 'application/json' };
    const send = (bytes: Buffer) =>
      fetch(`${api.url}/api/v1/events`, { method: 'POST', headers, body: bytes });
    const refused = await send(body);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      errors: [{ pointer: '', detail: 'the body must be UTF-8' }],
    });
    const made = await send(Buffer.from(text));
    expect(await made.json()).toMatchObject({ name: 'Caf\u00e9' });
  });

  it.each([
    ['POST', '/api/v1/booking'],
    ['DELETE', `/api/v1/booking/${id}`],
  ])('is refused when its body is compressed: %s %s', async (method, path) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expectProblem(await api.call(method, path, '{}', headers), {
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
    });
  });
});

describe('booking-api as a service', () => {
  it('booking-api is ready while PostgreSQL answers', async () => {
    const { status, body } = await api.call('GET', '/health/ready');
    expect([status, body]).toEqual([200, { status: 'ready' }]);
  });

  it('exports its metrics under their documented names, with no id in a label', async () => {
    const { event, seatIds } = await api.createEvent(2);
    await api.hold(seatIds[0]!);
    await api.call('POST', '/api/v1/booking', { seatId: seatIds[0], userId: 'budi' });
    await api.call('GET', `/api/v1/seats/available?eventId=${event.id}`);
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    for (const sample of [
      'bookings_total{outcome="held"} 1',
      'bookings_total{outcome="seat_taken"} 1',
      // The second hold is the first to look the seat up: it locks the seat in the same trip.
      'seat_lock_acquisitions_total{result="acquired"} 2',
      'seat_status_cache_total{result="hit"} 1',
      'seat_status_cache_total{result="miss"} 1',
      'available_seats_cache_total{result="miss"}',
      'http_request_duration_seconds_count{method="POST",route="/api/v1/booking",status="201"} 1',
      'pg_pool_connections{state="idle"}',
      'tickets_sold_total 0',
      'nodejs_eventloop_lag_seconds',
    ]) {
      expect(metrics).toContain(sample);
    }
    expect(metrics).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});
