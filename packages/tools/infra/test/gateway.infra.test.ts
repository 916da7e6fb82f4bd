import { once } from 'node:events';
import { connect } from 'node:net';
import getPort from 'get-port';
import { expectProblem, waitFor, type Answer } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { checkGatewayConfig, type Gateway } from '../src/start-gateway.ts';
import { startEchoServer, type EchoServer } from './echo-server.ts';
import { ask, expectUnknownOutcome, liveUrl, startInFrontOf, unavailable } from './gateway-probes.ts';
import { makeRunFolder } from './run-folder.ts';

let booking: EchoServer;
let payment: EchoServer;
let gateway: Gateway;

beforeAll(async () => {
  [booking, payment] = await Promise.all([startEchoServer('booking-api'), startEchoServer('payment-api')]);
  gateway = await startInFrontOf([booking.port], [payment.port]);
}, 180_000);
afterAll(async () => {
  for (const server of [gateway, booking, payment]) await server[Symbol.asyncDispose]();
});

const post = { method: 'POST' };
const made = expect.stringMatching(/^[0-9a-f]{32}$/) as string;

/** Sends bytes that fetch would not send, on a connection of its own. */
async function exchange(bytes: string): Promise<Answer<unknown>> {
  const socket = connect(gateway.port, '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(': ') as [string, string]));
  return { status: Number(statusLine.split(' ')[1]), headers, body: JSON.parse(body) as unknown };
}

describe('the gateway', () => {
  it('has a configuration that nginx accepts, as it stands for docker-compose', async () => {
    const folder = await makeRunFolder('nginx-t');
    const verdict = await checkGatewayConfig({ folder, bookingPorts: [3001, 3011], paymentPorts: [3002] });
    expect(verdict).toMatchObject({ code: 0 });
  });

  it.each([
    ['POST', '/api/v1/booking', 'booking-api'],
    ['GET', '/api/v1/booking?eventId=x&userId=y', 'booking-api'],
    ['DELETE', '/api/v1/booking/01a20837-15b2-7536-a505-cef470abcb22', 'booking-api'],
    ['GET', '/api/v1/seats/available?limit=3', 'booking-api'],
    ['GET', '/api/v1/events', 'booking-api'],
    ['POST', '/api/v1/events', 'booking-api'],
    ['GET', '/api/v1/events/01a20837-15b2-7536-a505-cef470abcb22/seats', 'booking-api'],
    ['POST', '/api/v1/payment/01a20837-15b2-7536-a505-cef470abcb22/confirm', 'payment-api'],
  ])('passes %s %s unchanged to %s', async (method, path, service) => {
    expect((await ask(`${gateway.url}${path}`, { method })).body).toMatchObject({
      service,
      method,
      url: path,
    });
  });

  it.each([
    '/metrics',
    '/health/ready',
    '/health/live',
    '/',
    '/status',
    '/api/v1/../../metrics',
    '//metrics',
    '/%6detrics',
    '/api/v1/booking/..%2f..%2f..%2fmetrics',
    '/metrics/../metrics',
    '/api/v2/booking',
  ])('answers 404 to %s itself', async (path) => {
    const bytes = `GET ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n`;
    expectProblem(await exchange(bytes), { status: 404, code: 'ROUTE_NOT_FOUND' });
  });

  it('answers to its own health check on the port that is not published', async () => {
    expect((await ask(`${gateway.insideUrl}/health/live`)).body).toEqual({ status: 'live' });
    expect(await (await fetch(`${gateway.insideUrl}/status`)).text()).toMatch(/^Active connections: \d+/);
  });

  it('keeps a request id that the services would keep, and makes one otherwise', async () => {
    const askAs = (id: string, path = '/api/v1/events') =>
      ask(`${gateway.url}${path}`, { headers: { 'x-request-id': id } });
    const odd = `a"b\\${'c'.repeat(124)}`;
    expect((await askAs(odd)).body.headers['x-request-id']).toBe(odd);
    expect((await askAs('with a blank')).body.headers['x-request-id']).toEqual(made);
    const unknown = { status: 404, code: 'ROUTE_NOT_FOUND' };
    expectProblem(await askAs('order-7', '/nowhere'), { ...unknown, requestId: 'order-7' });
    // In the JSON of the gateway's own answer such an id would break the string.
    expectProblem(await askAs('a"b', '/nowhere'), { ...unknown, requestId: made });
  });

  it('passes on the headers that decide about a request', async () => {
    const headers = {
      authorization: 'Bearer a.b.c',
      'idempotency-key': 'order-7',
      'accept-language': 'id-ID',
      'content-type': 'application/json',
      'if-none-match': 'W/"7"',
    };
    const { body } = await ask(`${gateway.url}/api/v1/booking`, { ...post, headers, body: '{}' });
    expect(body.headers).toMatchObject(headers);
  });

  it('sends the services the address of the client, and none that the client made up', async () => {
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9', forwarded: 'for=6.6.6.6' };
    const { body } = await ask(`${gateway.url}/api/v1/events`, { headers });
    expect(body.headers['x-forwarded-for']).toBe('203.0.113.9');
    expect(body.headers['forwarded']).toBeUndefined();
  });

  it('keeps its connections to the services', async () => {
    const ports = new Set<number>();
    for (let request = 0; request < 20; request += 1)
      ports.add((await ask(`${gateway.url}/api/v1/events`)).body.fromPort);
    expect(ports.size).toBeLessThanOrEqual(4);
  });

  it('passes a WebSocket through in both directions', async () => {
    const socket = new WebSocket(liveUrl(gateway));
    const seen: string[] = [];
    socket.on('message', (data: Buffer) => seen.push(data.toString()));
    await once(socket, 'open');
    socket.send('there and back');
    await waitFor(() => seen.length === 2, { description: 'the echo' });
    expect(seen).toEqual(['booking-api', 'there and back']);
    socket.terminate();
  });

  it('answers a body that is too large as the services do', async () => {
    const large = await ask(`${gateway.url}/api/v1/booking`, { ...post, body: 'x'.repeat(40_000) });
    expectProblem(large, { status: 413, code: 'PAYLOAD_TOO_LARGE' });
    const event = await ask(`${gateway.url}/api/v1/events`, { ...post, body: 'x'.repeat(1_048_576) });
    expect(event.body).toMatchObject({ service: 'booking-api' });
  });

  it.each([
    'GARBAGE\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET /\0 HTTP/1.1\r\nhost: gateway\r\n\r\n',
    'GET /api/v1/events HTTP/1.1\r\nhost: gateway\r\ncontent-length: x\r\n\r\n',
    'GET /api/v1/events HTTP/9.9\r\nhost: gateway\r\n\r\n',
  ])('answers %j, which is no HTTP, as the services do', async (bytes) => {
    expectProblem(await exchange(bytes), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '', detail: 'this is not a well-formed HTTP request' }],
    });
  });

  it('answers in Indonesian when the client prefers it', async () => {
    const headers = { 'accept-language': 'id-ID,id;q=0.9,en;q=0.8' };
    const { body, headers: answered } = await ask(`${gateway.url}/nowhere`, { headers });
    expect(body).toMatchObject({ detail: 'Alamat dan metode ini tidak dikenal: periksa keduanya.' });
    expect(answered.get('content-language')).toBe('id');
  });
});

describe('a service behind the gateway', () => {
  it('that is not there is unavailable, retryable, and did nothing', async () => {
    await using alone = await startInFrontOf([1]);
    const answer = await ask(`${alone.url}/api/v1/booking`, post);
    expectProblem(answer, unavailable);
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it.each(['silence', 'hang-up'] as const)(
    'that takes a request and ends in %s leaves the outcome unknown',
    (manner) => expectUnknownOutcome(manner),
  );

  it('that hangs up is the only one that gets a write; a read is sent to the next service', async () => {
    await using first = await startEchoServer('booking-api', 'hang-up');
    await using second = await startEchoServer('booking-api', 'hang-up');
    await using behind = await startInFrontOf([first.port, second.port]);
    const taken = () => first.taken() + second.taken();
    await ask(`${behind.url}/api/v1/booking`, post);
    expect(taken()).toBe(1);
    await ask(`${behind.url}/api/v1/events`);
    expect(taken()).toBe(3);
  });

  it.each([
    ['DELETE', '/api/v1/booking/01a20837-15b2-7536-a505-cef470abcb22', 1],
    ['PUT', '/api/v1/events', 1],
    ['PATCH', '/api/v1/events/x', 1],
    ['OPTIONS', '/api/v1/booking', 1],
    ['DELETE', '/api/v1/seats/available', 1],
    ['GET', '/api/v1/booking?eventId=x', 2],
  ])('that hangs up on %s %s is asked for it %i times at most', async (method, path, times) => {
    await using first = await startEchoServer('booking-api', 'hang-up');
    await using second = await startEchoServer('booking-api', 'hang-up');
    await using behind = await startInFrontOf([first.port, second.port]);
    const answer = await ask(`${behind.url}${path}`, { method });
    expectProblem(answer, { ...unavailable, outcome: 'unknown' });
    expect(first.taken() + second.taken()).toBe(times);
  });

  it('that takes a DELETE gets it once, with its query and body, and answers it', async () => {
    const path = '/api/v1/booking/01a20837-15b2-7536-a505-cef470abcb22?a=%2F';
    const answer = await ask(`${gateway.url}${path}`, { method: 'DELETE', body: '{}' });
    expect(answer.body).toMatchObject({
      method: 'DELETE',
      url: path,
      headers: { 'content-length': '2', 'x-forwarded-for': expect.any(String) as string },
    });
  });

  it('that is gone is passed over for the next one, and gets requests again when it is back', async () => {
    const port = await getPort({ host: '127.0.0.1' });
    await using behind = await startInFrontOf([port, booking.port]);
    const book = () => ask(`${behind.url}/api/v1/booking`, post);
    for (let request = 0; request < 4; request += 1) expect(await book()).toMatchObject({ status: 200 });
    await using back = await startEchoServer('booking-api', 'echo', port);
    await waitFor(async () => (await book()) && back.taken() > 0, {
      description: 'a request to the service that is back',
      timeoutMs: 6_000,
      intervalMs: 100,
    });
  });

  it('that is frozen gets no more requests while another has fewer open', async () => {
    await using frozen = await startEchoServer('booking-api', 'silence');
    await using behind = await startInFrontOf([frozen.port, booking.port]);
    const book = () => ask(`${behind.url}/api/v1/booking`, post);
    const waiting: Promise<unknown>[] = [];
    try {
      while (frozen.taken() === 0) {
        const taken = booking.taken();
        waiting.push(book());
        await waitFor(() => frozen.taken() > 0 || booking.taken() > taken, {
          description: 'the request to arrive',
        });
      }
      for (let request = 0; request < 6; request += 1) expect(await book()).toMatchObject({ status: 200 });
      expect(frozen.taken()).toBe(1);
    } finally {
      await Promise.all(waiting);
    }
  });
});
