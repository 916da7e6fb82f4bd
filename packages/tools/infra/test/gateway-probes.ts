import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { expectProblem, waitFor } from '@ticketing/testkit';
import { expect } from 'vitest';
import { startEchoServer, type Arrival, type EchoServer } from '../src/echo-server.ts';
import type { Gateway } from '../src/start-gateway.ts';

/*
 * What is expected of the gateway, each as one question to a running one: gateway.infra.test.ts asks them of
 * infra/gateway as it is, gateway-teeth.infra.test.ts of broken ones.
 */

export async function ask(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Arrival };
}

/** Everything that comes back on a connection of its own for bytes that fetch would not send. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
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

export async function expectPassedOn({ url }: Gateway, method: string, path: string, service: string) {
  expect((await ask(`${url}${path}`, { method })).body).toMatchObject({ service, method, url: path });
}

/** What decides about a request besides its path: lost on the way, it would be another request. */
export async function expectHeaders({ url }: Gateway) {
  const headers = {
    authorization: 'Bearer a.b.c',
    'idempotency-key': 'order-7',
    'accept-language': 'id-ID',
    'content-type': 'application/json',
    'if-none-match': 'W/"7"',
  };
  const { body } = await ask(`${url}/api/v1/booking`, { method: 'POST', headers, body: '{}' });
  expect(body.headers).toMatchObject(headers);
}

export async function expectUnknownPath({ port }: Gateway, path: string) {
  const bytes = `GET ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n`;
  expectProblem(parseAnswer(await exchange(port, bytes)), { status: 404, code: 'ROUTE_NOT_FOUND' });
}

export async function expectRequestIds({ url }: Gateway) {
  const askAs = (id: string, path = '/api/v1/events') =>
    ask(`${url}${path}`, { headers: { 'x-request-id': id } });
  const odd = `a"b\\${'c'.repeat(124)}`;
  expect((await askAs(odd)).body.headers['x-request-id']).toBe(odd);
  expect((await askAs('with a blank')).body.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  const unknown = { status: 404, code: 'ROUTE_NOT_FOUND' };
  expectProblem(await askAs('order-7', '/nowhere'), { ...unknown, requestId: 'order-7' });
  const made = expect.stringMatching(/^[0-9a-f]{32}$/) as string;
  expectProblem(await askAs('a"b', '/nowhere'), { ...unknown, requestId: made });
}

export async function expectClientAddress({ url }: Gateway) {
  const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9', forwarded: 'for=6.6.6.6' };
  const { body } = await ask(`${url}/api/v1/events`, { headers });
  expect(body.headers['x-forwarded-for']).toBe('203.0.113.9');
  expect(body.headers['forwarded']).toBeUndefined();
}

export async function expectKeptConnections({ url }: Gateway) {
  const ports = new Set<number>();
  for (let request = 0; request < 20; request += 1)
    ports.add((await ask(`${url}/api/v1/events`)).body.fromPort);
  expect(ports.size).toBeLessThanOrEqual(4);
}

export async function expectWebSocket({ port }: Gateway) {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write(
      `GET /api/v1/events/${randomUUID()}/live HTTP/1.1\r\nhost: gateway\r\nconnection: Upgrade\r\n` +
        'upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    let seen = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
    });
    await waitFor(() => seen.includes('\r\n\r\n'), { description: 'an answer to the upgrade' });
    expect(seen).toMatch(/^HTTP\/1.1 101 .*x-from: booking-api/s);
    socket.write('there and back');
    await waitFor(() => seen.endsWith('there and back'), { description: 'the echo' });
  } finally {
    socket.destroy();
  }
}

export async function expectBounds({ url, port }: Gateway) {
  const large = await ask(`${url}/api/v1/booking`, { method: 'POST', body: 'x'.repeat(40_000) });
  expectProblem(large, { status: 413, code: 'PAYLOAD_TOO_LARGE' });
  const hall = await ask(`${url}/api/v1/events`, { method: 'POST', body: 'x'.repeat(1_048_576) });
  expect(hall.body).toMatchObject({ service: 'booking-api' });
  const bytes = `GET /api/v1/events HTTP/1.1\r\nhost: gateway\r\nx-long: ${'y'.repeat(40_000)}\r\n\r\n`;
  expectProblem(parseAnswer(await exchange(port, bytes)), {
    status: 400,
    code: 'VALIDATION_FAILED',
    errors: [{ pointer: '', detail: 'this is not a well-formed HTTP request' }],
  });
}

export async function expectIndonesian({ url }: Gateway) {
  const headers = { 'accept-language': 'id-ID,id;q=0.9,en;q=0.8' };
  const { body, headers: answered } = await ask(`${url}/nowhere`, { headers });
  expect(body).toMatchObject({ detail: 'Alamat dan metode ini tidak dikenal: periksa keduanya.' });
  expect(answered.get('content-language')).toBe('id');
}

export async function expectBurstCut({ url }: Gateway) {
  const askFrom = (address: string) =>
    ask(`${url}/api/v1/events`, { headers: { 'x-forwarded-for': address } });
  const answers = await Promise.all(Array.from({ length: 800 }, () => askFrom('203.0.113.20')));
  const shed = answers.filter(({ status }) => status !== 200);
  expect(answers.length - shed.length).toBeGreaterThanOrEqual(200);
  expect(shed.length).toBeGreaterThan(50);
  for (const answer of shed) expectProblem(answer, { status: 429, code: 'RATE_LIMITED', retryable: true });
  expect(shed[0]?.headers.get('retry-after')).toBe('1');
  expect(await askFrom('203.0.113.21')).toMatchObject({ status: 200 });
}

export async function expectWritesCut({ url }: Gateway) {
  const countServed = async (path: string, method: string, address: string): Promise<number> => {
    const init = { method, headers: { 'x-forwarded-for': address } };
    const answers = await Promise.all(Array.from({ length: 400 }, () => ask(`${url}${path}`, init)));
    return answers.filter(({ status }) => status === 200).length;
  };
  const [writes, reads] = await Promise.all([
    countServed('/api/v1/booking', 'POST', '203.0.113.22'),
    countServed('/api/v1/events', 'GET', '203.0.113.23'),
  ]);
  expect(writes).toBeGreaterThanOrEqual(60);
  expect(writes).toBeLessThan(reads / 2);
}

const unavailable = { status: 503, code: 'DEPENDENCY_UNAVAILABLE', retryable: true };

/** Of a gateway with nobody behind it. */
export async function expectUnavailable({ url }: Gateway) {
  const answer = await ask(`${url}/api/v1/booking`, { method: 'POST' });
  expectProblem(answer, unavailable);
  expect(answer.headers.get('retry-after')).toBe('1');
}

/** Of a gateway whose services take requests and do not answer. */
export async function expectUnknownOutcome({ url }: Gateway) {
  const answer = await ask(`${url}/api/v1/booking`, { method: 'POST' });
  expectProblem(answer, { ...unavailable, outcome: 'unknown' });
}

/** Of a gateway with two services that hang up. */
export async function expectSentOnce({ url }: Gateway, services: readonly EchoServer[]) {
  const sum = () => services.reduce((total, service) => total + service.taken(), 0);
  const before = sum();
  const taken = () => sum() - before;
  await ask(`${url}/api/v1/booking`, { method: 'POST' });
  expect(taken()).toBe(1);
  // What only reads is asked of the other one as well.
  await ask(`${url}/api/v1/events`);
  expect(taken()).toBe(3);
}

/** Of a gateway with two places for booking-api of which the first is empty. */
export async function expectPassedOver({ url }: Gateway) {
  for (let request = 0; request < 4; request += 1) {
    expect(await ask(`${url}/api/v1/booking`, { method: 'POST' })).toMatchObject({ status: 200 });
  }
}

/** Of a gateway in front of one that is frozen and one that is not. */
export async function expectLeastBusy({ url }: Gateway, [frozen, other]: readonly [EchoServer, EchoServer]) {
  const book = () => ask(`${url}/api/v1/booking`, { method: 'POST' });
  const waiting: Promise<unknown>[] = [];
  try {
    while (frozen.taken() === 0) {
      const taken = other.taken();
      waiting.push(book());
      await waitFor(() => frozen.taken() + other.taken() > taken, { description: 'the request to arrive' });
    }
    // While that one waits, nobody else is made to.
    for (let request = 0; request < 6; request += 1) expect(await book()).toMatchObject({ status: 200 });
    expect(frozen.taken()).toBe(1);
  } finally {
    await Promise.all(waiting);
  }
}

/** Of a gateway with two places, of which the first is empty and then is not. */
export async function expectFoundAgain(gateway: Gateway, port: number) {
  await expectPassedOver(gateway);
  await using back = await startEchoServer('booking-api', 'echo', port);
  const isAsked = async () =>
    (await ask(`${gateway.url}/api/v1/booking`, { method: 'POST' })) && back.taken() > 0;
  await waitFor(isAsked, {
    description: 'expected: who is back is asked',
    timeoutMs: 6_000,
    intervalMs: 100,
  });
}
