import { acceptedLanguages, deadlineFactor, expectProblem } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Gateway } from '../src/start-gateway.ts';
import { startEchoServer, type EchoServer } from './echo-server.ts';
import { ask, liveUrl, startInFrontOf } from './gateway-probes.ts';

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

/** Sends requests at once, each from its address. @returns how many were served and how many refused, in which time */
async function burst(path: string, addresses: readonly string[], method = 'GET') {
  const startedAt = performance.now();
  const answers = await Promise.all(
    addresses.map((address) =>
      ask(`${gateway.url}${path}`, { method, headers: { 'x-forwarded-for': address } }),
    ),
  );
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  const seconds = (performance.now() - startedAt) / 1_000;
  return { served: count(200), refused: count(429), all: answers.length, seconds };
}

const many = (count: number, address: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => address(n));

describe('the language of the gateway', () => {
  it.each([...acceptedLanguages])(
    'to Accept-Language %j is that of the services: %s',
    async (header, language) => {
      const { headers } = await ask(`${gateway.url}/nowhere`, {
        headers: { 'accept-language': header },
      });
      expect(headers.get('content-language')).toBe(language);
    },
  );

  it('is found soon in a header that was made to take long', async () => {
    const pieces = [
      `id${' '.repeat(16_000)}x`,
      `${','.repeat(16_000)}id`,
      `${'id,'.repeat(5_300)}en`,
      'in;q=0.9'.repeat(2_000),
      ' ,'.repeat(8_000),
      'id;q=,'.repeat(2_600),
      `id-${'-a'.repeat(8_000)}`,
      `id;q=0.${'9'.repeat(16_000)}`,
    ];
    const startedAt = performance.now();
    for (const header of pieces) {
      const answer = await ask(`${gateway.url}/nowhere`, { headers: { 'accept-language': header } });
      expect(answer.status).toBe(404);
    }
    expect(performance.now() - startedAt).toBeLessThan(1_000 * deadlineFactor());
  });
});

describe('clients by address', () => {
  it('of one /64 are limited as one; of two /64 as two', async () => {
    const reads = '/api/v1/events';
    const one = await burst(
      reads,
      many(600, (n) => `2001:db8:1:2:${n.toString(16)}::7`),
    );
    // What the limit lets through: the burst, and the rate for as long as it took.
    expect(one.served).toBeLessThanOrEqual(202 + 100 * one.seconds);
    expect(one.refused).toBe(one.all - one.served);
    const others = await burst(
      reads,
      many(100, (n) => `2001:db8:1:3::${n.toString(16)}`),
    );
    expect(others).toMatchObject({ served: 100, refused: 0 });
  });

  it('of many /64 are limited apart, whatever bytes these have', async () => {
    const nets = many(256, (n) => `2001:db8:${n.toString(16)}:${((n * 257) % 65_536).toString(16)}::a`);
    expect(await burst('/api/v1/booking', [...nets, ...nets], 'POST')).toMatchObject({ refused: 0 });
  });

  it('of IPv4 in IPv6 form are limited each by their own address', async () => {
    const mapped = many(300, (n) => `::ffff:198.51.${n >> 8}.${n & 255}`);
    expect(await burst('/api/v1/booking', [...mapped, ...mapped], 'POST')).toMatchObject({ refused: 0 });
    const one = await burst(
      '/api/v1/booking',
      many(200, () => '::ffff:198.51.100.7'),
      'POST',
    );
    expect(one.refused).toBeGreaterThan(0);
  });

  it('that write from one /64 are cut sooner', async () => {
    const { served, seconds } = await burst(
      '/api/v1/booking',
      many(200, (n) => `2001:db8:1:4::${n.toString(16)}`),
      'POST',
    );
    expect(served).toBeLessThanOrEqual(62 + 30 * seconds);
  });

  it('are told apart without the port that a balancer added', async () => {
    const addresses = many(300, (n) => `198.51.100.${100 + (n % 2)}:${50_000 + n}`);
    const { refused } = await burst('/api/v1/booking', addresses, 'POST');
    expect(refused).toBeGreaterThan(0);
    const headers = { 'x-forwarded-for': '[2001:db8:9::1]:443' };
    const { body } = await ask(`${gateway.url}/api/v1/events`, { headers });
    expect(body.headers['x-forwarded-for']).toBe('2001:db8:9::1');
  });

  it.each([
    ['one payments service', () => '198.51.100.9'],
    ['a payments service of many addresses in one /64', (n: number) => `2001:db8:1:5::${n.toString(16)}`],
  ])('may confirm 300 bookings within a second: %s', async (_, address) => {
    const path = '/api/v1/payment/01a20837-15b2-7536-a505-cef470abcb22/confirm';
    const startedAt = performance.now();
    const confirms = await burst(path, many(300, address), 'POST');
    expect(confirms).toMatchObject({ served: 300, refused: 0 });
    expect(performance.now() - startedAt).toBeLessThan(5_000 * deadlineFactor());
  });

  it('are limited on the payment path, too', async () => {
    const path = '/api/v1/payment/01a20837-15b2-7536-a505-cef470abcb22/confirm';
    const { refused } = await burst(
      path,
      many(3_000, () => '198.51.100.10'),
      'POST',
    );
    expect(refused).toBeGreaterThan(0);
  });
});

describe('request headers', () => {
  const token = (bytes: number) => ({ authorization: `Bearer ${'x'.repeat(bytes)}` });
  const tooLarge = (status = 431) => ({
    status,
    code: 'VALIDATION_FAILED',
    errors: [{ pointer: '', detail: 'the request line and headers must have at most 16 KiB' }],
  });

  it.each(['/api/v1/booking', '/api/v1/payment/x/confirm'])(
    'with a token of 12 KiB and of 15.5 KiB pass to %s',
    async (path) => {
      for (const bytes of [12 * 1024, 15_900]) {
        const { status, body } = await ask(`${gateway.url}${path}`, {
          method: 'POST',
          headers: token(bytes),
        });
        expect(status).toBe(200);
        expect(body.headers.authorization).toHaveLength(bytes + 7);
      }
    },
  );

  it('with a token of 12 KiB open a WebSocket', async () => {
    const socket = new WebSocket(liveUrl(gateway), { headers: token(12 * 1024) });
    const greeting = await new Promise<string>((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(data.toString()));
      socket.once('error', reject);
    });
    expect(greeting).toBe('booking-api');
    socket.terminate();
  });

  it.each([
    ['a header', '/api/v1/events', { 'x-large': 'x'.repeat(17 * 1024) }],
    ['a path', `/api/v1/events/${'x'.repeat(17 * 1024)}`, {}],
  ])('with %s over 16 KiB are answered 431, as the services answer', async (_, path, headers) => {
    expectProblem(await ask(`${gateway.url}${path}`, { headers }), tooLarge());
  });
});
