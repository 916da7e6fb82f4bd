import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTestStack,
  eventInput,
  type RunningService,
  startService,
  type TestStack,
  waitFor,
} from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { EventBody } from '../fixtures/test-api.ts';

let stack: TestStack;
let api: RunningService;
const sockets: (Socket | WebSocket)[] = [];
beforeAll(async () => {
  stack = await createTestStack();
});
afterAll(async () => stack.dispose());
beforeEach(async () => {
  api = await startService('booking-api', {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    // As in the image.
    NODE_OPTIONS: '--max-old-space-size=384',
    LIVE_SOCKETS_PER_ADDRESS: '0',
    RATE_LIMIT_MAX: '0',
  });
});
afterEach(async () => {
  for (const socket of sockets)
    if (socket instanceof WebSocket) socket.terminate();
    else socket.destroy();
  await api[Symbol.asyncDispose]();
});

/** The container has 512; a version of this map is 20. */
const maxMegabytes = 350;

async function createEvent(seats: number): Promise<string> {
  const answer = await fetch(`${api.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(eventInput({ seats, seatsPerRow: 100 })),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as EventBody).id;
}

async function metrics(): Promise<(name: string) => number> {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  return (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Asks for a path, and reads no byte of the answer. */
async function askAndStop(path: string): Promise<Socket> {
  const { port } = new URL(api.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  return socket;
}

/** The most that the process takes while the work goes on. */
async function mostMegabytesDuring(work: () => Promise<unknown>): Promise<number> {
  let most = 0;
  const done = new AbortController();
  const watching = (async () => {
    while (!done.signal.aborted) {
      most = Math.max(most, (await metrics())('process_resident_memory_bytes') / 2 ** 20);
      await sleep(100);
    }
  })();
  try {
    await work();
  } finally {
    done.abort();
    await watching;
  }
  return most;
}

it('12 clients that do not read 12 versions of a map of 20 MB keep no more than two of them in memory, and others get theirs', async () => {
  const eventId = await createEvent(100_000);
  const path = `/api/v1/events/${eventId}/seats`;
  const map = (await (await fetch(api.url + path)).json()) as { seats: { id: string }[] };
  const versions = new Set<string | null>();
  const most = await mostMegabytesDuring(async () => {
    for (let version = 0; version < 12; version++) {
      const held = await fetch(`${api.url}/api/v1/booking`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ seatId: map.seats[version]!.id, userId: `ani${version}` }),
      });
      expect(held.status).toBe(201);
      await waitFor(
        async () => {
          const { status, headers } = await fetch(api.url + path, { method: 'HEAD' });
          const tag = headers.get('etag');
          return status === 200 && !versions.has(tag) && versions.add(tag);
        },
        { description: 'another version' },
      );
      await askAndStop(path);
    }
  });
  const read = await metrics();
  console.log(`memory: at most ${most.toFixed(0)} MiB`);
  expect(versions.size).toBe(12);
  expect(most).toBeLessThan(maxMegabytes);
  expect(read('http_unsent_bytes')).toBeLessThanOrEqual(57_000_000);
  const answer = await fetch(api.url + path);
  expect(((await answer.json()) as { seats: unknown[] }).seats).toHaveLength(100_000);
}, 240_000);

it('maps and live feeds of 8 events of 100,000 seats that are asked for at once all come, within the memory of a process', async () => {
  const eventIds: string[] = [];
  for (let index = 0; index < 8; index++) eventIds.push(await createEvent(100_000));
  let refusals = 0;
  const again = async (retryAfter: string | undefined) => {
    refusals += 1;
    expect(retryAfter).toMatch(/^\d+$/);
    await sleep(1_000 * Number(retryAfter));
  };
  const getMap = async (eventId: string): Promise<void> => {
    const { status, headers, body } = await fetch(`${api.url}/api/v1/events/${eventId}/seats`, {
      headers: { 'accept-encoding': 'br' },
    });
    await body?.cancel();
    if (status === 200) return;
    expect(status).toBe(503);
    await again(headers.get('retry-after') ?? undefined);
    await getMap(eventId);
  };
  const follow = async (eventId: string): Promise<void> => {
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/api/v1/events/${eventId}/live`);
    sockets.push(socket);
    socket.on('error', () => undefined);
    const answer = await new Promise<IncomingMessage | undefined>((resolve) => {
      socket.once('open', () => resolve(undefined));
      socket.once('unexpected-response', (_request, response) => resolve(response));
    });
    if (answer === undefined) return;
    expect(answer.statusCode).toBe(503);
    await again(answer.headers['retry-after']);
    await follow(eventId);
  };
  const most = await mostMegabytesDuring(() =>
    Promise.all([...eventIds.map(getMap), ...eventIds.map(follow)]),
  );
  const read = await metrics();
  console.log(`memory: at most ${most.toFixed(0)} MiB; ${refusals} refusals`);
  expect(most).toBeLessThan(512);
  expect(read('seats_in_memory_bytes')).toBeLessThanOrEqual(170_000_000);
  expect(read('seats_in_memory_bytes')).toBeGreaterThan(8 * 4_500_000);
  expect(read('live_sockets')).toBe(8);
}, 240_000);
