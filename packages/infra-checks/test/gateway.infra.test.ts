import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { expectProblem, waitFor } from '@ticketing/dev-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEchoServer, type Arrival, type EchoServer } from '../src/echo-server.ts';
import { checkGatewayConfig, startGateway, type Gateway } from '../src/start-gateway.ts';
import { makeRunFolder } from './run-folder.ts';

let booking: EchoServer;
let payment: EchoServer;
let gateway: Gateway;

beforeAll(async () => {
  [booking, payment] = await Promise.all([startEchoServer('booking-api'), startEchoServer('payment-api')]);
  gateway = await startGateway({
    folder: await makeRunFolder('gateway'),
    bookingPorts: [booking.port],
    paymentPorts: [payment.port],
  });
}, 180_000);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await booking[Symbol.asyncDispose]();
  await payment[Symbol.asyncDispose]();
});

async function ask(path: string, init: RequestInit = {}, at: string = gateway.url) {
  const response = await fetch(`${at}${path}`, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Arrival };
}

/** Everything that comes back on a connection of its own for bytes that fetch would not send. */
async function exchange(bytes: string, port = gateway.port): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(bytes);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

function parseAnswer(answer: string): { status: number; headers: Headers; body: unknown } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => [line.split(': ')[0]!, line.split(': ')[1]!]),
  );
  return { status: Number(statusLine.split(' ')[1]), headers, body: JSON.parse(body) as unknown };
}

const fromAddress = (address: string) => ({ 'x-forwarded-for': address });

describe('the configuration', () => {
  it('is one that nginx takes, as it stands for docker-compose', async () => {
    const options = {
      folder: await makeRunFolder('nginx-t'),
      bookingPorts: [3001, 3011],
      paymentPorts: [3002],
    };
    expect(await checkGatewayConfig(options)).toMatchObject({ code: 0 });
  });
});

describe('the gateway', () => {
  it.each([
    ['POST', '/api/v1/booking', 'booking-api'],
    ['GET', '/api/v1/booking?eventId=x&userId=y', 'booking-api'],
    ['DELETE', '/api/v1/booking/01a20837-15b2-7536-a505-cef470abcb22', 'booking-api'],
    ['GET', '/api/v1/seats/available?limit=3', 'booking-api'],
    ['GET', '/api/v1/events', 'booking-api'],
    ['POST', '/api/v1/events', 'booking-api'],
    ['GET', '/api/v1/events/01a20837-15b2-7536-a505-cef470abcb22/seats', 'booking-api'],
    ['POST', '/api/v1/payment/01a20837-15b2-7536-a505-cef470abcb22/confirm', 'payment-api'],
  ])('passes %s %s on, as it came, to %s', async (method, url, service) => {
    expect((await ask(url, { method })).body).toMatchObject({ service, method, url });
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
  ])('does not know %s', async (path) => {
    const answer = parseAnswer(
      await exchange(`GET ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n`),
    );
    expectProblem(answer, { status: 404, code: 'ROUTE_NOT_FOUND' });
  });

  it('has a health of its own, for those inside only', async () => {
    expect((await ask('/health/live', {}, gateway.insideUrl)).body).toEqual({ status: 'live' });
    expect(await (await fetch(`${gateway.insideUrl}/status`)).text()).toMatch(/^Active connections: \d+/);
  });

  it('keeps a request id that the services would keep, and makes one otherwise', async () => {
    const kept = await ask('/api/v1/events', { headers: { 'x-request-id': `a"b\\${'c'.repeat(124)}` } });
    expect(kept.body.headers['x-request-id']).toBe(`a"b\\${'c'.repeat(124)}`);
    const made = await ask('/api/v1/events', { headers: { 'x-request-id': 'with a blank' } });
    expect(made.body.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    const own = await ask('/nowhere', { headers: { 'x-request-id': 'order-7' } });
    expectProblem(own, { status: 404, code: 'ROUTE_NOT_FOUND', requestId: 'order-7' });
    expectProblem(await ask('/nowhere', { headers: { 'x-request-id': 'a"b' } }), {
      status: 404,
      code: 'ROUTE_NOT_FOUND',
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    });
  });

  it('tells the services the address of the client, and nothing that the client made up', async () => {
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9', forwarded: 'for=6.6.6.6' };
    const { body } = await ask('/api/v1/events', { headers });
    expect(body.headers['x-forwarded-for']).toBe('203.0.113.9');
    expect(body.headers['forwarded']).toBeUndefined();
  });

  it('asks the services on connections that it keeps', async () => {
    const ports = new Set<number>();
    for (let request = 0; request < 20; request += 1) ports.add((await ask('/api/v1/events')).body.fromPort);
    expect(ports.size).toBeLessThanOrEqual(4);
  });

  it('passes a WebSocket through, both ways', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    const id = randomUUID();
    socket.write(
      `GET /api/v1/events/${id}/live HTTP/1.1\r\nhost: gateway\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
        'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    let seen = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
    });
    await waitFor(() => seen.includes('\r\n\r\n'), { description: 'the upgrade' });
    expect(seen).toMatch(/^HTTP\/1.1 101 .*x-from: booking-api/s);
    socket.write('there and back');
    await waitFor(() => seen.endsWith('there and back'), { description: 'the echo' });
    socket.destroy();
  });

  it('answers what is too large, or no HTTP, as the services do', async () => {
    const large = await ask('/api/v1/booking', { method: 'POST', body: 'x'.repeat(40_000) });
    expectProblem(large, { status: 413, code: 'PAYLOAD_TOO_LARGE' });
    const hall = await ask('/api/v1/events', { method: 'POST', body: 'x'.repeat(1_048_576) });
    expect(hall.body).toMatchObject({ service: 'booking-api' });
    const bytes = `GET /api/v1/events HTTP/1.1\r\nhost: gateway\r\nx-long: ${'y'.repeat(40_000)}\r\n\r\n`;
    expectProblem(parseAnswer(await exchange(bytes)), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '', detail: 'this is not a well-formed HTTP request' }],
    });
  });

  it('speaks Indonesian to those who ask for it first', async () => {
    const headers = { 'accept-language': 'id-ID,id;q=0.9,en;q=0.8' };
    const { body, headers: answered } = await ask('/nowhere', { headers });
    expect(body).toMatchObject({ detail: 'Alamat dan metode ini tidak dikenal: periksa keduanya.' });
    expect(answered.get('content-language')).toBe('id');
  });
});

describe('a burst', () => {
  it('of requests from one address is cut, with 429; others are served', async () => {
    const answers = await Promise.all(
      Array.from({ length: 800 }, () => ask('/api/v1/events', { headers: fromAddress('203.0.113.20') })),
    );
    const shed = answers.filter(({ status }) => status !== 200);
    expect(answers.length - shed.length).toBeGreaterThanOrEqual(200);
    expect(shed.length).toBeGreaterThan(50);
    for (const answer of shed) expectProblem(answer, { status: 429, code: 'RATE_LIMITED', retryable: true });
    expect(shed[0]?.headers.get('retry-after')).toBe('1');
    expect(await ask('/api/v1/events', { headers: fromAddress('203.0.113.21') })).toMatchObject({
      status: 200,
    });
  });

  it('of requests that write is cut sooner', async () => {
    const init = { method: 'POST', headers: fromAddress('203.0.113.22') };
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask('/api/v1/booking', init)));
    const served = answers.filter(({ status }) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(60);
    expect(served).toBeLessThan(290);
  });
});

describe('a service', () => {
  it('that is not there is told as unavailable, retryable, without a doubt about the outcome', async () => {
    await using alone = await startGateway({
      folder: await makeRunFolder('gateway-alone'),
      bookingPorts: [1],
      paymentPorts: [1],
    });
    const answer = await ask('/api/v1/booking', { method: 'POST' }, alone.url);
    expectProblem(answer, { status: 503, code: 'DEPENDENCY_UNAVAILABLE', retryable: true });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('that hangs up, or never answers, may have done it: the outcome is unknown', async () => {
    await using silent = await startEchoServer('silent', 3_600_000);
    await using behind = await startGateway({
      folder: await makeRunFolder('gateway-silent'),
      bookingPorts: [silent.port],
      paymentPorts: [silent.port],
      edit: (text) => text.replaceAll('proxy_read_timeout 6s', 'proxy_read_timeout 500ms'),
    });
    const unknown = { status: 503, code: 'DEPENDENCY_UNAVAILABLE', retryable: true, outcome: 'unknown' };
    expectProblem(await ask('/api/v1/booking', { method: 'POST' }, behind.url), unknown);
    silent.server.removeAllListeners('request');
    silent.server.on('request', (request) => request.socket.destroy());
    await waitFor(
      async () => {
        const answer = await ask('/api/v1/booking', { method: 'POST' }, behind.url);
        expectProblem(answer, unknown);
        return true;
      },
      { description: 'the fault of a service that hangs up' },
    );
  });
});
