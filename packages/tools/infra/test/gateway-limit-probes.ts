import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expectProblem, waitFor, type Answer } from '@ticketing/testkit';
import { expect } from 'vitest';
import type { EchoServer } from '../src/echo-server.ts';
import type { Gateway } from '../src/start-gateway.ts';
import { ask } from './gateway-probes.ts';

/*
 * What may be open at once through the gateway, asked as in gateway-probes.ts.
 */

/** So many more than may be open are tried. */
const beyond = 20;

function expectOverloaded(answers: readonly Answer<unknown>[]): void {
  expect(answers).toHaveLength(beyond);
  for (const answer of answers) {
    expectProblem(answer, { status: 503, code: 'OVERLOADED', retryable: true });
    expect(answer.headers.get('retry-after')).toBe('1');
  }
}

/** Whoever is only too fast tries again, until nothing else stands in the way. */
async function askInTime<T extends object>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await attempt();
    if (!('status' in answer) || answer.status !== 429) return answer;
    await delay(100);
  }
}

/**
 * Of a gateway with this silent one behind it.
 *
 * @param limit how many may be open
 * @param addresses from how many they come
 */
async function expectBounded(
  { url }: Gateway,
  silent: EchoServer,
  { limit, addresses }: { readonly limit: number; readonly addresses: number },
) {
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  const answers: { status: number; headers: Headers; text: string }[] = [];
  const open = async (address: string) => {
    const init = { headers: { 'x-forwarded-for': address }, signal: ending.signal };
    const answer = await askInTime(() => fetch(`${url}/api/v1/events`, init));
    answers.push({ status: answer.status, headers: answer.headers, text: await answer.text() });
  };
  const opened: Promise<unknown>[] = [];
  try {
    while (opened.length < limit + beyond) {
      for (let batch = 0; batch < beyond * Math.min(addresses, 10); batch += 1)
        if (opened.length < limit + beyond)
          opened.push(open(`203.0.113.${30 + (opened.length % addresses)}`));
      await waitFor(() => silent.taken() + answers.length >= opened.length, {
        description: `${opened.length} requests to be open or refused`,
        timeoutMs: 10_000,
      });
    }
    expectOverloaded(
      answers.map(({ text, ...answer }) => ({ ...answer, body: JSON.parse(text) as unknown })),
    );
    expect(silent.taken()).toBe(limit);
    if (addresses > 1) return;
    opened.push(open('203.0.113.29'));
    await waitFor(() => silent.taken() > limit, { description: 'expected: another address is let in' });
  } finally {
    ending.abort();
    await Promise.allSettled(opened);
  }
}

export const expectBoundedAddress = (gateway: Gateway, silent: EchoServer) =>
  expectBounded(gateway, silent, { limit: 400, addresses: 1 });

export const expectBoundedInAll = (gateway: Gateway, silent: EchoServer) =>
  expectBounded(gateway, silent, { limit: 4_000, addresses: 40 });

/** @returns the socket that it became, or the refusal */
async function upgrade(url: string, address: string): Promise<Duplex | Answer<unknown>> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'x-forwarded-for': address,
  };
  return new Promise((resolve, reject) => {
    httpRequest(`${url}/api/v1/events/${randomUUID()}/live`, { agent: false, headers })
      .on('error', reject)
      .on('upgrade', (_, socket) => resolve(socket))
      .on('response', (response) => {
        const answered = new Headers(Object.entries(response.headers as Record<string, string>));
        json(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: answered, body }),
          reject,
        );
      })
      .end();
  });
}

/** Of a gateway with one that upgrades behind it. */
export async function expectBoundedSockets({ url }: Gateway) {
  const limit = 200;
  const sockets: Duplex[] = [];
  const refused: Answer<unknown>[] = [];
  const open = async (address: string) => {
    const answer = await askInTime(() => upgrade(url, address));
    if ('status' in answer) refused.push(answer);
    else sockets.push(answer);
  };
  const opened = Array.from({ length: limit + beyond }, () => open('203.0.113.28'));
  try {
    await Promise.all(opened);
    expectOverloaded(refused);
    expect(sockets).toHaveLength(limit);
    await open('203.0.113.29');
    expect(sockets).toHaveLength(limit + 1);
    // They count for themselves: who has them all may still book.
    const headers = { 'x-forwarded-for': '203.0.113.28' };
    expect(await askInTime(() => ask(`${url}/api/v1/events`, { headers }))).toMatchObject({ status: 200 });
  } finally {
    await Promise.allSettled(opened);
    for (const socket of sockets) socket.destroy();
  }
}
