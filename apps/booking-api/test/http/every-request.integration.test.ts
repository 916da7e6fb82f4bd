import { expectProblem } from '@ticketing/testkit';
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
      'seat_lock_acquisitions_total{result="acquired"} 1',
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
