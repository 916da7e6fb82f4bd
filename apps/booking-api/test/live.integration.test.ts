import { request as httpRequest } from 'node:http';
import { waitFor, withinDeadline } from '@ticketing/dev-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLive, RefusedUpgrade } from './fixtures/live-client.ts';
import { openApiOn, openTestApi, type TestApi } from './fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const unknownEvent = '01a20837-0fd0-711f-a732-a953a99d2e27';
const metric = async (of: TestApi, name: string) =>
  Number(
    new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)`, 'm').exec(await of.registry.metrics())?.[1] ?? NaN,
  );

/** What the upgrade is answered with when there is none. */
async function refusalOf(url: string, eventId: string, headers: Record<string, string> = {}) {
  const outcome = await followLive(url, eventId, { headers }).catch((error: unknown) => error);
  if (!(outcome instanceof RefusedUpgrade)) throw new Error('the upgrade was not refused');
  return {
    status: outcome.status,
    headers: outcome.headers,
    body: JSON.parse(outcome.body) as { code: string },
  };
}

describe('the live feed', () => {
  it('begins with a snapshot of the seats that are not free, and numbers its messages', async () => {
    const { event, seatIds } = await api.createHall(5);
    const { id } = await api.hold(seatIds[1]!);
    await api.core.confirmBooking({ bookingId: id, actor: 'test' });
    using client = await followLive(api.url, event.id.toUpperCase());
    expect(client.messages).toEqual([
      { type: 'snapshot', seq: 1, version: 2, seats: [{ id: seatIds[1], status: 'SOLD' }] },
    ]);

    const held = await api.hold([seatIds[2]!, seatIds[3]!], 'budi');
    await waitFor(() => client.picture.size === 3, { description: 'the hold to be told' });
    await api.call('DELETE', `/api/v1/booking/${held.id}`);
    await waitFor(() => client.picture.size === 1, { description: 'the release to be told' });
    expect(client.messages.map(({ seq }) => seq)).toEqual(client.messages.map((_, index) => index + 1));
    // A snapshot comes again where a message was missed, and nowhere else.
    const missed = await metric(api, 'seat_changes_missed_total');
    const later = client.messages.slice(1);
    expect(later.some(({ type }) => type === 'snapshot')).toBe(missed > 0);
    for (const seat of later.flatMap(({ seats }) => seats))
      expect(Object.keys(seat)).toEqual(['id', 'status']);
  });

  it('brings those who come later to the same picture', async () => {
    const { event, seatIds } = await api.createHall(8);
    const clients = [await followLive(api.url, event.id)];
    for (const [index, seatId] of seatIds.entries()) {
      await api.hold(seatId, `user-${index}`);
      clients.push(await followLive(api.url, event.id));
    }
    for (const client of clients) {
      await waitFor(() => client.picture.size === seatIds.length, { description: 'the whole picture' });
      expect([...client.picture.keys()].toSorted()).toEqual(seatIds);
      client[Symbol.dispose]();
    }
  });

  it('is told of by live_sockets, and by one line of the log per connection', async () => {
    const { event } = await api.createHall(1);
    const client = await followLive(api.url, event.id);
    expect(await metric(api, 'live_sockets')).toBe(1);
    const counted = await api.registry.getSingleMetricAsString('http_request_duration_seconds');
    expect(counted).toContain(
      'http_request_duration_seconds_count{method="GET",route="/api/v1/events/:eventId/live",status="101"}',
    );
    client[Symbol.dispose]();
    await waitFor(async () => (await metric(api, 'live_sockets')) === 0, { description: 'it to be gone' });
  });

  it('sends a new snapshot to whoever comes when much has changed, else the known one and what changed', async () => {
    const { event, seatIds } = await api.createHall(200);
    using first = await followLive(api.url, event.id);
    const publish = (ids: readonly string[]) => {
      const changes = ids.map((id) => ({ id, status: 'RESERVED', version: 1 }));
      return api.redis.publish(`seats:changes:${event.id}`, JSON.stringify(changes));
    };
    await api.query("update seats set status = 'RESERVED', version = 1 where event_id = $1", [event.id]);
    await publish(seatIds.slice(0, 10));
    await waitFor(() => first.picture.size === 10, { description: 'ten to be told' });
    using second = await followLive(api.url, event.id);
    await waitFor(() => second.picture.size === 10, { description: 'ten to be told to the second' });
    expect(second.messages.map(({ type, seats }) => [type, seats.length])).toEqual([
      ['snapshot', 0],
      ['changes', 10],
    ]);

    await publish(seatIds.slice(10, 160));
    await waitFor(() => first.picture.size >= 160, { description: 'most to be told' });
    using third = await followLive(api.url, event.id);
    expect(third.messages[0]).toMatchObject({ type: 'snapshot', seats: { length: first.picture.size } });
  });

  it('heals a message that was lost with a new snapshot', async () => {
    const { event, seatIds } = await api.createHall(2);
    using client = await followLive(api.url, event.id);
    await api.query("update seats set status = 'RESERVED', version = version + 1 where id = $1", [
      seatIds[0],
    ]);
    await waitFor(() => client.picture.size === 1, { description: 'the lost change' });
    expect(client.messages.at(-1)).toMatchObject({ type: 'snapshot', seq: 2 });
  });

  it('reads nothing: what is large cuts the connection, what is small is ignored', async () => {
    const { event, seatIds } = await api.createHall(1);
    using quiet = await followLive(api.url, event.id);
    using loud = await followLive(api.url, event.id);
    quiet.socket.send('hello');
    loud.socket.send('x'.repeat(2_000));
    await waitFor(() => loud.closedWith() !== null, { description: 'the loud one to be cut' });
    await api.hold(seatIds[0]!);
    await waitFor(() => quiet.picture.size === 1, { description: 'the hold to be told' });
    expect(loud.picture.size).toBe(0);
  });
});

describe('a connection', () => {
  it('that does not read is dropped, and keeps nobody else from the news', async () => {
    const { event, seatIds } = await api.createHall(4_000);
    using lazy = await followLive(api.url, event.id);
    using keen = await followLive(api.url, event.id);
    lazy.socket.pause();
    // As any process publishes, and faster than any sale: what the systems at both ends take has to be full first.
    let version = 0;
    const dropped = () => metric(api, 'live_sockets_dropped_total{reason="slow"}');
    await waitFor(
      async () => {
        version += 1;
        const status = version % 2 === 0 ? 'RESERVED' : 'AVAILABLE';
        const changes = seatIds.map((id) => ({ id, status, version }));
        await api.redis.publish(`seats:changes:${event.id}`, JSON.stringify(changes));
        return (await dropped()) === 1;
      },
      { description: 'the one that does not read to be dropped', timeoutMs: 15_000, intervalMs: 50 },
    );
    const last = { id: seatIds[0], status: 'SOLD', version: version + 1 };
    await api.redis.publish(`seats:changes:${event.id}`, JSON.stringify([last]));
    await waitFor(() => keen.picture.get(seatIds[0]!) === 'SOLD', { description: 'the last change' });
    lazy.socket.resume();
    await waitFor(() => lazy.closedWith() !== null, { description: 'it to see that it was dropped' });
    expect(lazy.picture.get(seatIds[0]!)).not.toBe('SOLD');
  });

  it('that gives no sign of life is dropped', async () => {
    await using strict = await openApiOn(api.stack, {}, { live: { pingEveryMs: 100 } });
    const { event } = await api.createHall(1);
    using dead = await followLive(strict.url, event.id, { autoPong: false });
    using alive = await followLive(strict.url, event.id);
    await waitFor(() => dead.closedWith() !== null, { description: 'the silent one to be dropped' });
    expect(await metric(strict, 'live_sockets_dropped_total{reason="silent"}')).toBe(1);
    expect(alive.closedWith()).toBeNull();
  });

  it('that sends what nobody asked for is cut, before it costs much', async () => {
    const { event } = await api.createHall(1);
    using modest = await followLive(api.url, event.id);
    using noisy = await followLive(api.url, event.id);
    for (let count = 0; count < 50; count++) modest.socket.ping();
    for (let count = 0; count < 500; count++) noisy.socket.send('x');
    await waitFor(() => noisy.closedWith() !== null, { description: 'the noisy one to be cut' });
    expect(await metric(api, 'live_sockets_dropped_total{reason="noisy"}')).toBe(1);
    expect(modest.closedWith()).toBeNull();
  });

  it('is told to go also when it was granted its place before all were, and comes after', async () => {
    const stopping = await openApiOn(api.stack);
    const { event } = await api.createHall(1);
    await stopping.call('GET', `/api/v1/events/${event.id}`);
    await api.query('begin; lock table seats in access exclusive mode');
    const following = followLive(stopping.url, event.id);
    await waitFor(async () => (await api.query('select 1 from pg_locks where not granted')).length > 0, {
      description: 'the place to be waited for',
    });
    const closing = stopping[Symbol.asyncDispose]();
    await api.query('rollback');
    await withinDeadline('a service that lets somebody in while it stops', 2_000, async () => {
      await closing;
    });
    const client = await following;
    await waitFor(() => client.closedWith() !== null, { description: 'the farewell' });
    expect(client.closedWith()).toBe(1001);
  });

  it('is told when the service stops, and does not hold it up', async () => {
    const stopping = await openApiOn(api.stack);
    const { event } = await api.createHall(1);
    using polite = await followLive(stopping.url, event.id);
    using frozen = await followLive(stopping.url, event.id);
    frozen.socket.pause();
    await withinDeadline('a service with open live connections stops', 2_000, async () => {
      await stopping[Symbol.asyncDispose]();
    });
    await waitFor(() => polite.closedWith() !== null, { description: 'the farewell' });
    expect(polite.closedWith()).toBe(1001);
  });
});

describe('an upgrade', () => {
  it('is 404 for an unknown event and 400 for a malformed id, before it happens', async () => {
    expect(await refusalOf(api.url, unknownEvent)).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/problem+json', 'x-request-id': expect.any(String) as string },
      body: { code: 'EVENT_NOT_FOUND' },
    });
    expect(await refusalOf(api.url, 'x')).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it('is needed: a plain request is told so, or that there is no such event', async () => {
    const { event } = await api.createHall(1);
    const plain = await api.call<{ code: string; errors: object[] }>(
      'GET',
      `/api/v1/events/${event.id}/live`,
    );
    expect(plain).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
    expect(await api.call('GET', `/api/v1/events/${unknownEvent}/live`)).toMatchObject({ status: 404 });
    expect((await api.call('HEAD', `/api/v1/events/${event.id}/live`)).status).toBe(404);
  });

  it('that is no whole handshake is told so', async () => {
    const { event } = await api.createHall(1);
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${api.url}/api/v1/events/${event.id}/live`, {
        headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '8' },
      })
        .on('response', (response) => resolve(response.statusCode))
        .on('upgrade', () => reject(new Error('it was upgraded')))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(400);
  });

  it.each(['graphql-ws, token', 'a,,b'])(
    'agrees to no subprotocol, whatever is offered: %s',
    async (offered) => {
      const { event } = await api.createHall(1);
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
          .on('response', ({ statusCode }) => reject(new Error(`it was refused: ${statusCode}`)))
          .on('error', reject)
          .end();
      });
      expect(headers).not.toHaveProperty('sec-websocket-protocol');
    },
  );

  it.each([
    ['to HTTP/2 of a request with a body', 'h2c', '/api/v1/booking', 'POST'],
    ['to a WebSocket where there is none', 'websocket', '/api/v1/events', 'GET'],
  ])('%s is ignored, and the request answered', async (_name, upgrade, path, method) => {
    const { seatIds } = await api.createHall(1);
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

  it('is for the pages of ALLOWED_ORIGINS, and for programs that are no page', async () => {
    await using strict = await openApiOn(api.stack, {}, { allowedOrigins: ['https://tickets.example'] });
    const { event } = await api.createHall(1);
    expect(await refusalOf(strict.url, event.id, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    for (const headers of [{ origin: 'https://tickets.example' }, {}]) {
      using client = await followLive(strict.url, event.id, { headers });
      expect(client.messages).toHaveLength(1);
    }
  });

  it('is OVERLOADED beyond LIVE_SOCKETS_MAX and RATE_LIMITED beyond LIVE_SOCKETS_PER_ADDRESS', async () => {
    await using small = await openApiOn(
      api.stack,
      {},
      { live: { maxSockets: 2, maxSocketsPerAddress: 1 }, trustedProxies: '127.0.0.1' },
    );
    const { event } = await api.createHall(1);
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
      { description: 'a place that is left to be given away' },
    );
    expect(second.closedWith()).toBeNull();
  });
});
