import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTestStack,
  eventInput,
  type RunningService,
  startService,
  type TestStack,
  withinDeadline,
} from '@ticketing/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EventBody, SeatBody } from '../fixtures/test-api.ts';

let stack: TestStack;
let api: RunningService;
beforeAll(async () => {
  stack = await createTestStack();
  api = await startService('booking-api', { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await stack.dispose();
});

const createEvent = (event: object) =>
  fetch(`${api.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });

async function residentMegabytes(): Promise<number> {
  const metrics = await (await fetch(`${api.url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\d+)$/m.exec(metrics)?.[1]) / 2 ** 20;
}

it('creates an event of 100,000 seats in one request, in bounded memory, and goes on answering', async () => {
  await createEvent(eventInput({ seats: 1_000 }));
  const before = await residentMegabytes();
  let most = before;
  let slowestMs = 0;
  const done = new AbortController();
  const probing = (async () => {
    while (!done.signal.aborted) {
      const askedAt = performance.now();
      most = Math.max(most, await residentMegabytes());
      slowestMs = Math.max(slowestMs, performance.now() - askedAt);
      await sleep(50);
    }
  })();

  const answer = await withinDeadline('an event of 100,000 seats', 20_000, () =>
    createEvent(eventInput({ seats: 100_000, seatsPerRow: 100 })),
  );
  done.abort();
  await probing;
  expect(answer.status).toBe(201);
  const event = (await answer.json()) as EventBody;
  expect(event.seatCounts).toEqual({ available: 100_000, reserved: 0, sold: 0 });
  console.log(
    `memory: ${before.toFixed(0)} MiB, at most ${most.toFixed(0)} MiB; slowest other answer ${slowestMs.toFixed(0)} ms`,
  );
  expect(most - before).toBeLessThan(100);

  const map = await withinDeadline('the first map of 100,000 seats', 5_000, () =>
    fetch(`${api.url}/api/v1/events/${event.id}/seats`),
  );
  const { seats } = (await map.json()) as { seats: SeatBody[] };
  expect(seats).toHaveLength(100_000);
  expect(new Set(seats.map((seat) => seat.id)).size).toBe(100_000);
  expect(seats.at(-1)).toMatchObject({ row: 'R1000', number: 100 });
}, 60_000);

interface Upload {
  readonly begin: () => void;
  readonly end: () => void;
  readonly answer: Promise<Response>;
}

/** Sends the head of a request to make an event, and the body when told to. */
function upload(): Upload {
  const body = JSON.stringify(eventInput({ seats: 100, seatsPerRow: 10 }));
  const sent = request(`${api.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': body.length },
    agent: false,
  });
  const answer = new Promise<Response>((resolve, reject) => {
    sent.once('response', (response) => {
      text(response).then(
        (read) =>
          resolve(
            new Response(read, {
              status: response.statusCode ?? 0,
              headers: { 'retry-after': response.headers['retry-after'] ?? '' },
            }),
          ),
        reject,
      );
    });
    sent.once('error', reject);
  });
  return {
    begin: () => void sent.write(body.slice(0, 100)),
    end: () => void sent.end(body.slice(100)),
    answer,
  };
}

it('waits 6.5 s for the body of an event that arrives slowly', async () => {
  const { begin, end, answer } = upload();
  begin();
  // Longer than the default time limit of requests, plus the second between two checks for late ones.
  setTimeout(end, 6_500);
  expect((await answer).status).toBe(201);
});

it('reads two bodies of events at a time; 20 wait with their clients, one more is refused, and all that waited are made', async () => {
  const uploads = Array.from({ length: 23 }, upload);
  for (const { begin } of uploads) begin();
  // No body is whole yet, so the first answer is the refusal of the one that found the line full.
  const refused = await Promise.race(uploads.map(async (sent) => ({ sent, answer: await sent.answer })));
  expect(refused.answer.status).toBe(503);
  expect(refused.answer.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await refused.answer.json()).toMatchObject({ code: 'OVERLOADED', retryable: true });
  const others = uploads.filter((sent) => sent !== refused.sent);
  for (const { end } of others) end();
  const statuses = await Promise.all(others.map(async ({ answer }) => (await answer).status));
  expect(statuses).toEqual(others.map(() => 201));
});
