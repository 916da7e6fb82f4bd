import { setMaxListeners } from 'node:events';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expectProblem, waitFor, type Answer } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Gateway } from '../src/start-gateway.ts';
import { startEchoServer, type EchoServer } from './echo-server.ts';
import { ask, liveUrl, startInFrontOf } from './gateway-probes.ts';

let booking: EchoServer;
let gateway: Gateway;

beforeAll(async () => {
  booking = await startEchoServer('booking-api');
  gateway = await startInFrontOf([booking.port]);
}, 180_000);
afterAll(async () => {
  for (const server of [gateway, booking]) await server[Symbol.asyncDispose]();
});

const from = (address: string) => ({ 'x-forwarded-for': address });

describe('a burst of requests', () => {
  it('from one address is cut with 429; another address is served', async () => {
    const askFrom = (address: string) => ask(`${gateway.url}/api/v1/events`, { headers: from(address) });
    const answers = await Promise.all(Array.from({ length: 800 }, () => askFrom('203.0.113.20')));
    const shed = answers.filter(({ status }) => status !== 200);
    expect(answers.length - shed.length).toBeGreaterThanOrEqual(200);
    expect(shed.length).toBeGreaterThan(50);
    for (const answer of shed) expectProblem(answer, { status: 429, code: 'RATE_LIMITED', retryable: true });
    expect(shed[0]?.headers.get('retry-after')).toBe('1');
    expect(await askFrom('203.0.113.21')).toMatchObject({ status: 200 });
  });

  it('that write is cut sooner than one of reads', async () => {
    const countServed = async (path: string, method: string, address: string): Promise<number> => {
      const init = { method, headers: from(address) };
      const answers = await Promise.all(
        Array.from({ length: 400 }, () => ask(`${gateway.url}${path}`, init)),
      );
      return answers.filter(({ status }) => status === 200).length;
    };
    const [writes, reads] = await Promise.all([
      countServed('/api/v1/booking', 'POST', '203.0.113.22'),
      countServed('/api/v1/events', 'GET', '203.0.113.23'),
    ]);
    expect(writes).toBeGreaterThanOrEqual(60);
    expect(writes).toBeLessThan(reads / 2);
  });
});

/** How many more are tried than may be open. */
const beyond = 20;

function expectOverloaded(answers: readonly Answer<unknown>[]): void {
  expect(answers).toHaveLength(beyond);
  for (const answer of answers) {
    expectProblem(answer, { status: 503, code: 'OVERLOADED', retryable: true });
    expect(answer.headers.get('retry-after')).toBe('1');
  }
}

/** Repeats a request that was only too fast: the limit on the rate must not hide the others. */
async function withRetries<T extends object>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await attempt();
    if (!('status' in answer) || answer.status !== 429) return answer;
    await delay(100);
  }
}

/** @returns the socket, or the refusal */
async function connectFrom(address: string): Promise<WebSocket | Answer<unknown>> {
  const socket = new WebSocket(liveUrl(gateway), { headers: from(address) });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
    socket.once('unexpected-response', (_, response) => {
      const headers = new Headers(response.headers as Record<string, string>);
      const status = response.statusCode ?? 0;
      json(response).then((body) => resolve({ status, headers, body }), reject);
    });
  });
}

describe('open requests through the gateway', () => {
  it.each([
    ['of one address', { limit: 400, addresses: 1 }],
    ['in all', { limit: 4_000, addresses: 40 }],
  ])('are bounded %s; one more is answered 503 at once, retryable', async (_, { limit, addresses }) => {
    await using silent = await startEchoServer('booking-api', 'silence');
    await using behind = await startInFrontOf([silent.port]);
    const ending = new AbortController();
    setMaxListeners(0, ending.signal);
    const answers: Answer<unknown>[] = [];
    const opened: Promise<unknown>[] = [];
    const open = (address: string) => {
      const init = { headers: from(address), signal: ending.signal };
      const asked = withRetries(() => ask(`${behind.url}/api/v1/events`, init));
      opened.push(asked.then((answer) => answers.push(answer)));
    };
    try {
      while (opened.length < limit + beyond) {
        const batch = Math.min(beyond * Math.min(addresses, 10), limit + beyond - opened.length);
        for (let i = 0; i < batch; i += 1) open(`203.0.113.${30 + (opened.length % addresses)}`);
        await waitFor(() => silent.taken() + answers.length >= opened.length, {
          description: `${opened.length} requests to be open or refused`,
          timeoutMs: 10_000,
        });
      }
      expectOverloaded(answers);
      expect(silent.taken()).toBe(limit);
      if (addresses > 1) return;
      open('203.0.113.29');
      await waitFor(() => silent.taken() > limit, { description: 'another address to be let in' });
    } finally {
      ending.abort();
      await Promise.allSettled(opened);
    }
  });

  it('are bounded for the sockets of one address, apart from its requests', async () => {
    const limit = 200;
    const sockets: WebSocket[] = [];
    const refused: Answer<unknown>[] = [];
    const open = async (address: string) => {
      const answer = await withRetries(() => connectFrom(address));
      if (answer instanceof WebSocket) sockets.push(answer);
      else refused.push(answer);
    };
    const opened = Array.from({ length: limit + beyond }, () => open('203.0.113.28'));
    try {
      await Promise.all(opened);
      expectOverloaded(refused);
      expect(sockets).toHaveLength(limit);
      await open('203.0.113.29');
      expect(sockets).toHaveLength(limit + 1);
      // A client with all of its sockets open may still book.
      const init = { headers: from('203.0.113.28') };
      const answer = await withRetries(() => ask(`${gateway.url}/api/v1/events`, init));
      expect(answer).toMatchObject({ status: 200 });
    } finally {
      await Promise.allSettled(opened);
      for (const socket of sockets) socket.terminate();
    }
  });
});
