import { randomUUID } from 'node:crypto';
import {
  atOnce,
  auditViolations,
  createTestStack,
  makeEvent,
  type RunningService,
  startService,
  type TestStack,
  waitFor,
} from '@ticketing/testkit';
import { openSeatCore } from '@ticketing/seat-core';
import { openDatabase, openRedis, type Database } from '@ticketing/seat-core/clients';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

/* Many simultaneous requests of one user to several processes, which coordinate through PostgreSQL and Redis only. */

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
    // If this process makes the booking, it dies right after the commit, before it answers.
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

async function createSeats(seats: number): Promise<string[]> {
  const { databaseUrl, redisUrl } = stack;
  await using core = await openSeatCore({ databaseUrl, redisUrl, databasePoolMax: 4 });
  return [...(await makeEvent(core, { seats })).seatIds];
}

interface Answer {
  readonly api: RunningService;
  readonly status: number | 'no answer';
  readonly text: string;
  readonly isReplay: boolean;
}

async function hold(api: RunningService, request: object, key?: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) };
  try {
    const response = await fetch(`${api.url}/api/v1/booking`, {
      method: 'POST',
      headers,
      body: JSON.stringify(request),
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

describe('1,000 duplicates at once', () => {
  it('1,000 duplicates make one booking in three processes, of which one is killed, and every answer is that booking', async () => {
    const [seatId] = await createSeats(1);
    const key = randomUUID();
    const apis = [doomed, ...survivors] as const;
    let killed: Promise<unknown> | undefined;
    const { held, unanswered, codes } = await crowd(1_000, async (n) => {
      const answer = await hold(apis[n % 3]!, { seatId, userId: 'ani' }, key);
      // With the first answer at the latest.
      killed ??= doomed.kill();
      return answer;
    });
    await killed;
    // The process died in the middle of the crowd, and only its own requests lost their answers.
    expect(new Set(unanswered.map(({ api }) => api))).toEqual(new Set([doomed]));
    // A duplicate that could not be answered in time is refused as retryable.
    for (const code of codes) expect(['IDEMPOTENCY_KEY_IN_PROGRESS', 'OVERLOADED']).toContain(code);
    console.log(
      `1,000 duplicates: ${held.length} answered with a booking, ${unanswered.length} not answered`,
    );

    const repeats = await Promise.all(
      survivors.map((api) =>
        waitFor(
          async () => {
            const answer = await hold(api, { seatId, userId: 'ani' }, key);
            return answer.status === 201 ? answer : undefined;
          },
          { description: 'a repeated request to be answered' },
        ),
      ),
    );
    expect(new Set([...held, ...repeats].map(({ text }) => text)).size).toBe(1);
    expect([...held, ...repeats].filter(({ isReplay }) => !isReplay).length).toBeLessThanOrEqual(1);
    const { id } = JSON.parse(repeats[0]!.text) as { id: string };
    expect(await bookingsOf('ani')).toEqual([{ id, status: 'PENDING', seats: 1 }]);
  });
});

describe('200 requests of one user at once', () => {
  it('200 simultaneous holds of one user in two processes hold 20 seats, while Redis is flushed', async () => {
    const seatIds = await createSeats(200);
    const flushing = setInterval(() => void redis.flushdb(), 5);
    const { held, unanswered, codes } = await crowd(200, (n) =>
      hold(survivors[n % 2]!, { seatId: seatIds[n], userId: 'budi' }),
    ).finally(() => clearInterval(flushing));
    expect(unanswered).toEqual([]);
    expect(held).toHaveLength(20);
    expect(codes).toContain('HOLD_LIMIT_REACHED');
    // Requests of one user wait for each other; one that waits too long is refused as OVERLOADED.
    for (const code of codes) expect(['HOLD_LIMIT_REACHED', 'SEAT_LOCKED', 'OVERLOADED']).toContain(code);
    const bookings = await bookingsOf('budi');
    expect(bookings.filter(({ status }) => status === 'PENDING')).toHaveLength(20);
  });
});
