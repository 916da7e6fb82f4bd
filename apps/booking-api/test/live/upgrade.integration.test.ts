import { request as httpRequest } from 'node:http';
import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLive, RefusedUpgrade } from '../fixtures/follow-live.ts';
import { openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const unknownEvent = '01a20837-0fd0-711f-a732-a953a99d2e27';

/** The answer to an upgrade that is refused. */
async function refusalOf(url: string, eventId: string, headers: Record<string, string> = {}) {
  const outcome = await followLive(url, eventId, { headers }).catch((error: unknown) => error);
  if (!(outcome instanceof RefusedUpgrade)) throw new Error('the upgrade was not refused');
  return {
    status: outcome.status,
    headers: outcome.headers,
    body: JSON.parse(outcome.body) as { code: string },
  };
}

describe('an upgrade', () => {
  it('answers an upgrade with 404 for an unknown event and 400 for a malformed id', async () => {
    expect(await refusalOf(api.url, unknownEvent)).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/problem+json', 'x-request-id': expect.any(String) as string },
      body: { code: 'EVENT_NOT_FOUND' },
    });
    expect(await refusalOf(api.url, 'x')).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it('answers a plain request to the live feed with 400, or 404 for an unknown event', async () => {
    const { event } = await api.createEvent(1);
    const plain = await api.call<{ code: string; errors: object[] }>(
      'GET',
      `/api/v1/events/${event.id}/live`,
    );
    expect(plain).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
    expect(await api.call('GET', `/api/v1/events/${unknownEvent}/live`)).toMatchObject({ status: 404 });
    expect((await api.call('HEAD', `/api/v1/events/${event.id}/live`)).status).toBe(404);
  });

  it('answers a WebSocket handshake with an unknown query parameter with 400', async () => {
    const { event } = await api.createEvent(1);
    // What the fixture adds to the path ends up in the value of a second parameter.
    expect(await refusalOf(api.url, `${event.id}/live?colour=red&path=`)).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', errors: [{ pointer: '/colour' }, { pointer: '/path' }] },
    });
  });

  it('takes a handshake with a token of 12 KiB', async () => {
    const { event } = await api.createEvent(1);
    const headers = { authorization: `Bearer ${'x'.repeat(12 * 1024)}` };
    using live = await followLive(api.url, event.id, { headers });
    expect(live.messages[0]?.type).toBe('snapshot');
  });

  it('answers an incomplete WebSocket handshake with 400', async () => {
    const { event } = await api.createEvent(1);
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${api.url}/api/v1/events/${event.id}/live`, {
        headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '8' },
      })
        .on('response', (response) => resolve(response.statusCode))
        .on('upgrade', () => reject(new Error('the request was upgraded')))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(400);
  });

  it.each(['graphql-ws, token', 'a,,b'])(
    'agrees to none of the offered subprotocols: %s',
    async (offered) => {
      const { event } = await api.createEvent(1);
      const headers = await new Promise<object>((resolve, reject) => {
        httpRequest(`${api.url}/api/v1/events/${event.id}/live`, {
          headers: {
            connection: 'upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': '13',
            'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
            'sec-websocket-protocol': offered,
          },
        })
          .on('upgrade', (response, socket) => {
            socket.destroy();
            resolve(response.headers);
          })
          .on('response', ({ statusCode }) => reject(new Error(`the upgrade was refused: ${statusCode}`)))
          .on('error', reject)
          .end();
      });
      expect(headers).not.toHaveProperty('sec-websocket-protocol');
    },
  );

  it.each([
    ['HTTP/2, with a body', 'h2c', '/api/v1/booking', 'POST'],
    ['a WebSocket, on a route without one', 'websocket', '/api/v1/events', 'GET'],
  ])('ignores an upgrade to %s, and answers the request', async (_name, upgrade, path, method) => {
    const { seatIds } = await api.createEvent(1);
    const body = method === 'POST' ? JSON.stringify({ seatId: seatIds[0], userId: 'java' }) : '';
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${api.url}${path}`, {
        method,
        headers: {
          connection: 'Upgrade, HTTP2-Settings',
          upgrade,
          'http2-settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
          ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        },
      })
        .on('response', (response) => resolve(response.statusCode))
        .on('error', reject)
        .end(body);
    });
    expect(status).toBe(method === 'POST' ? 201 : 200);
  });

  it('upgrades pages of ALLOWED_ORIGINS and programs without an origin, and no other page', async () => {
    await using strict = await openApiOn(api.stack, {}, { allowedOrigins: ['https://tickets.example'] });
    const { event } = await api.createEvent(1);
    expect(await refusalOf(strict.url, event.id, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    for (const headers of [{ origin: 'https://tickets.example' }, {}]) {
      using client = await followLive(strict.url, event.id, { headers });
      expect(client.messages).toHaveLength(1);
    }
  });

  it('refuses an upgrade as OVERLOADED beyond LIVE_SOCKETS_MAX, as RATE_LIMITED beyond LIVE_SOCKETS_PER_ADDRESS', async () => {
    await using small = await openApiOn(
      api.stack,
      {},
      { live: { maxSockets: 2, maxSocketsPerAddress: 1 }, trustedProxies: '127.0.0.1' },
    );
    const { event } = await api.createEvent(1);
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
    using first = await followLive(small.url, event.id, from('192.0.2.1'));
    expect(await refusalOf(small.url, event.id, { 'x-forwarded-for': '192.0.2.1' })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '5' },
      body: { code: 'RATE_LIMITED' },
    });
    using second = await followLive(small.url, event.id, from('192.0.2.2'));
    expect(await refusalOf(small.url, event.id, { 'x-forwarded-for': '192.0.2.3' })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      body: { code: 'OVERLOADED' },
    });
    first.socket.close();
    await waitFor(
      async () => {
        using third = await followLive(small.url, event.id, from('192.0.2.1'));
        return third.messages.length;
      },
      { description: 'the free place to be granted again' },
    );
    expect(second.closeCode()).toBeNull();
  });
});
