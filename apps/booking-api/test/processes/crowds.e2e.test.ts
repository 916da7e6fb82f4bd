import { randomUUID } from 'node:crypto';
import {
  atOnce,
  auditViolations,
  createTestStack,
  startService,
  waitFor,
  type RunningService,
  type TestStack,
} from '@ticketing/testkit';
import { openDatabase, openRedis, openSeatCore, type Database } from '@ticketing/seat-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

/* Crowds of one user in front of several processes, which know of each other by PostgreSQL and Redis alone. */

let stack: TestStack;
let database: Database;
let redis: Awaited<ReturnType<typeof openRedis>>;
let doomed: RunningService;
let survivors: [RunningService, RunningService];

beforeAll(async () => {
  stack = await createTestStack();
  database = openDatabase({ databaseUrl: stack.databaseUrl, poolMax: 1 });
  redis = await openRedis({ redisUrl: stack.redisUrl });
  const env = {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    RATE_LIMIT_MAX: '0',
    SEAT_LOCK_SECONDS: '3',
  };
  [doomed, ...survivors] = await Promise.all([
    // Should it be the one that makes the booking, it dies with the commit, before anybody hears of it.
    startService(
      'booking-api',
      { ...env, FAILPOINT: 'hold-committed' },
      { nodeFlags: ['--conditions=failpoints'] },
    ),
    startService('booking-api', env),
    startService('booking-api', env),
  ]);
});
afterEach(async () => expect(await auditViolations(stack.databaseUrl)).toEqual([]));
afterAll(async () => {
  for (const service of [doomed, ...survivors]) await service[Symbol.asyncDispose]();
  redis.disconnect();
  await database.$client.end();
  await stack.dispose();
});

async function createHall(seats: number): Promise<string[]> {
  const { databaseUrl, redisUrl } = stack;
  await using core = await openSeatCore({ databaseUrl, redisUrl, databasePoolMax: 1 });
  const price = { amount: 150_000, currency: 'IDR' };
  const event = await core.createEvent({
    name: 'Konser',
    venue: 'Istora',
    startsAt: new Date(Date.now() + 86_400_000),
    sections: [{ name: 'Tribun', price, rows: [{ name: 'A', seats }] }],
  });
  const { json } = await core.getSeatMap({ eventId: event.id });
  return (JSON.parse(json.toString()) as { seats: { id: string }[] }).seats.map(({ id }) => id);
}

interface Answer {
  readonly api: RunningService;
  readonly status: number | 'no answer';
  readonly text: string;
  readonly isReplay: boolean;
}

async function hold(api: RunningService, wish: object, key?: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) };
  try {
    const response = await fetch(`${api.url}/api/v1/booking`, {
      method: 'POST',
      headers,
      body: JSON.stringify(wish),
    });
    const isReplay = response.headers.get('idempotency-replayed') === 'true';
    return { api, status: response.status, text: await response.text(), isReplay };
  } catch {
    return { api, status: 'no answer', text: '', isReplay: false };
  }
}

async function crowd(count: number, ask: (index: number) => Promise<Answer>) {
  const outcomes = await atOnce(count, ask);
  const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  expect(answers).toHaveLength(count);
  const unanswered = answers.filter(({ status }) => status === 'no answer');
  const refused = answers.filter(({ status }) => status !== 201 && status !== 'no answer');
  return {
    held: answers.filter(({ status }) => status === 201),
    unanswered,
    codes: new Set(refused.map(({ text }) => (JSON.parse(text) as { code: string }).code)),
  };
}

async function bookingsOf(userId: string): Promise<{ id: string; status: string; seats: number }[]> {
  const { rows } = await database.$client.query<{ id: string; status: string; seats: number }>(
    'select id, status, seat_count::int as seats from bookings where user_id = $1',
    [userId],
  );
  return rows;
}

describe('1,000 twins at once in front of three processes, one of which is killed meanwhile', () => {
  it('make one booking; whoever is answered with a booking has that one, also later', async () => {
    const [seatId] = await createHall(1);
    const key = randomUUID();
    const apis = [doomed, ...survivors] as const;
    let killed: Promise<unknown> | undefined;
    const { held, unanswered, codes } = await crowd(1_000, async (n) => {
      const answer = await hold(apis[n % 3]!, { seatId, userId: 'ani' }, key);
      // Here at the latest.
      killed ??= doomed.kill();
      return answer;
    });
    await killed;
    // It went in the middle of the storm, and nobody else lost an answer.
    expect(new Set(unanswered.map(({ api }) => api))).toEqual(new Set([doomed]));
    // Who could not be answered with it in time is told to come back.
    for (const code of codes) expect(['IDEMPOTENCY_KEY_IN_PROGRESS', 'OVERLOADED']).toContain(code);
    console.log(`1,000 twins: ${held.length} answered with a booking, ${unanswered.length} not answered`);

    const repeats = await Promise.all(
      survivors.map((api) =>
        waitFor(
          async () => {
            const answer = await hold(api, { seatId, userId: 'ani' }, key);
            return answer.status === 201 ? answer : undefined;
          },
          { description: 'a repeat to be answered' },
        ),
      ),
    );
    expect(new Set([...held, ...repeats].map(({ text }) => text)).size).toBe(1);
    expect([...held, ...repeats].filter(({ isReplay }) => !isReplay).length).toBeLessThanOrEqual(1);
    const { id } = JSON.parse(repeats[0]!.text) as { id: string };
    expect(await bookingsOf('ani')).toEqual([{ id, status: 'PENDING', seats: 1 }]);
  });
});

describe('200 requests of one user at once in front of two processes', () => {
  it('hold 20 seats, while Redis forgets everything', async () => {
    const seatIds = await createHall(200);
    const flushing = setInterval(() => void redis.flushdb(), 5);
    const { held, unanswered, codes } = await crowd(200, (n) =>
      hold(survivors[n % 2]!, { seatId: seatIds[n], userId: 'budi' }),
    ).finally(() => clearInterval(flushing));
    expect(unanswered).toEqual([]);
    expect(held).toHaveLength(20);
    expect(codes).toContain('HOLD_LIMIT_REACHED');
    // A crowd of one user waits for itself; what waits too long is told to come back.
    for (const code of codes) expect(['HOLD_LIMIT_REACHED', 'SEAT_LOCKED', 'OVERLOADED']).toContain(code);
    const bookings = await bookingsOf('budi');
    expect(bookings.filter(({ status }) => status === 'PENDING')).toHaveLength(20);
  });
});
