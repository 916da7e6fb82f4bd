import {
  auditViolations,
  createPrivateStack,
  makeEvent,
  type PrivateStack,
  type RunningService,
  startService,
  waitFor,
  withinDeadline,
} from '@ticketing/testkit';
import { openSeatCore } from '@ticketing/seat-core';
import { openDatabase, openRedis, type Database } from '@ticketing/seat-core/clients';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { BookingBody } from '../fixtures/test-api.ts';

/* The three built services during an outage of Redis, as a buyer and an operator see them. */

let stack: PrivateStack;
let database: Database;
let redis: Awaited<ReturnType<typeof openRedis>>;
const running: RunningService[] = [];

beforeAll(async () => {
  stack = await createPrivateStack();
  database = openDatabase({ databaseUrl: stack.databaseUrl, poolMax: 1 });
  redis = await openRedis({ redisUrl: stack.redisUrl });
});
afterEach(async () => {
  for (const service of running.splice(0)) await service[Symbol.asyncDispose]();
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
});
afterAll(async () => {
  redis.disconnect();
  await database.$client.end();
  await stack.dispose();
});

async function startAll(until: 'ready' | 'degraded', env: Record<string, string> = {}) {
  const variables = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl, ...env };
  const start = async (name: RunningService['name']) => {
    const service = await startService(name, variables, { until });
    running.push(service);
    return service;
  };
  const [bookingApi, paymentApi, worker] = await Promise.all([
    start('booking-api'),
    start('payment-api'),
    start('expiry-worker'),
  ]);
  return { bookingApi, paymentApi, worker };
}

async function createSeats(seats: number): Promise<string[]> {
  const { serviceUrl: databaseUrl, redisUrl } = stack;
  await using core = await openSeatCore({ databaseUrl, redisUrl, databasePoolMax: 4 });
  return [...(await makeEvent(core, { seats })).seatIds];
}

interface Answer {
  readonly status: number;
  readonly body: BookingBody;
}

async function post(url: string, body?: object): Promise<Answer> {
  const json =
    body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await withinDeadline(`POST ${new URL(url).pathname.split('/')[3]}`, 2_000, () =>
    fetch(url, { method: 'POST', ...json }),
  );
  return { status: response.status, body: (await response.json()) as BookingBody };
}

const hold = (api: RunningService, seatId: string) =>
  post(`${api.url}/api/v1/booking`, { seatId, userId: `u-${seatId}` });
const confirm = (api: RunningService, { id }: BookingBody) => post(`${api.url}/api/v1/payment/${id}/confirm`);

const readiness = async ({
  url,
}: RunningService): Promise<{ status: string; parts?: { name: string }[] }> => {
  const response = await fetch(`${url}/health/ready`);
  expect(response.status).toBe(200);
  return (await response.json()) as { status: string; parts?: { name: string }[] };
};
const untilAll = (status: string) =>
  waitFor(
    async () =>
      (await Promise.all(running.map(readiness))).every((readyState) => readyState.status === status),
    {
      description: `all services to be ${status}`,
      timeoutMs: 3_000,
    },
  );
const storedStatus = async (bookingId: string) => {
  const { rows } = await database.$client.query<{ status: string; cause: string | null }>(
    `select b.status, e.cause from bookings b
     left join booking_events e on e.booking_id = b.id and e.to_status = 'EXPIRED' where b.id = $1`,
    [bookingId],
  );
  return rows[0]!;
};

/** Three buyers hold and confirm seat after seat. @returns the statuses of all answers */
async function sellAll({ bookingApi, paymentApi }: Awaited<ReturnType<typeof startAll>>, seatIds: string[]) {
  const offered = [...seatIds];
  const statuses: number[] = [];
  const buy = async () => {
    for (let seatId = offered.pop(); seatId !== undefined; seatId = offered.pop()) {
      const held = await hold(bookingApi, seatId);
      statuses.push(held.status);
      if (held.status === 201) statuses.push((await confirm(paymentApi, held.body)).status);
    }
  };
  await Promise.all([buy(), buy(), buy()]);
  return statuses;
}

/** Restores Redis also when the work fails: the next test needs it. */
async function withoutRedis<T>(
  { gone, back }: { gone: () => Promise<void>; back: () => Promise<void> },
  work: () => Promise<T>,
): Promise<T> {
  await gone();
  try {
    return await work();
  } finally {
    await back();
  }
}
const dead = { gone: () => stack.redis.kill(), back: () => stack.redis.start() };
const frozen = { gone: () => stack.redis.freeze(), back: () => stack.redis.thaw() };

const sold = (statuses: readonly number[]) => statuses.filter((status) => status === 200).length;

it('all services start and sell without Redis, report it, and use Redis as soon as it is there', async () => {
  const seatIds = await createSeats(32);
  const services = await withoutRedis(dead, async () => {
    const started = await startAll('degraded', { HOLD_SECONDS: '2' });
    expect((await readiness(started.paymentApi)).parts).toEqual([
      { name: 'redis', status: 'down', detail: expect.stringMatching(/PostgreSQL decides/) as string },
    ]);
    expect((await readiness(started.bookingApi)).parts).toMatchObject([{ name: 'redis' }, { name: 'queue' }]);
    const unpaid = await hold(started.bookingApi, seatIds.pop()!);
    const statuses = await sellAll(started, seatIds.slice(0, 30));
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(sold(statuses)).toBeGreaterThanOrEqual(27);
    await waitFor(async () => (await storedStatus(unpaid.body.id)).status === 'EXPIRED', {
      description: 'the hold to end',
    });
    expect((await storedStatus(unpaid.body.id)).cause).toBe('sweep');
    return started;
  });

  await untilAll('ready');
  // The worker started before its Redis: a hold ends by its job again.
  const lastSeat = seatIds.at(-1)!;
  await waitFor(
    async () => {
      const { body } = await hold(services.bookingApi, lastSeat);
      await waitFor(async () => (await storedStatus(body.id)).status === 'EXPIRED', {
        description: 'the hold to end',
      });
      return (await storedStatus(body.id)).cause === 'job';
    },
    { description: 'a hold to end by its job', timeoutMs: 15_000 },
  );
  await waitFor(
    async () =>
      (await redis.mget(seatIds.slice(0, 30).map((id) => `status:seat:${id}`))).every(
        (status) => status === 'SOLD',
      ),
    { description: 'the status keys to be repaired' },
  );
});

it('all services go on selling while Redis is frozen in the middle of a sale, and stop in time', async () => {
  const services = await startAll('ready');
  const seatIds = await createSeats(60);
  const before = await sellAll(services, seatIds.slice(0, 20));
  const during = await withoutRedis(frozen, async () => {
    const statuses = await sellAll(services, seatIds.slice(20, 40));
    await untilAll('degraded');
    const metrics = await (await fetch(`${services.bookingApi.url}/metrics`)).text();
    expect(metrics).toContain('redis_circuit_open{part="redis"} 1');
    expect(metrics).toContain('redis_circuit_open{part="queue"} 1');
    return statuses;
  });
  await untilAll('ready');
  const after = await sellAll(services, seatIds.slice(40));
  expect([...before, ...during, ...after].filter((status) => status >= 500)).toEqual([]);
  expect(sold(during)).toBeGreaterThanOrEqual(18);
  expect(sold(before) + sold(after)).toBe(40);

  await withoutRedis(frozen, async () => {
    const exits = await withinDeadline('stopping while Redis is frozen', 5_000, () =>
      Promise.all(running.map((service) => service.stop())),
    );
    expect(exits).toEqual(running.map(() => ({ code: 0, signal: null })));
  });
});

it('jobs go through the Redis of QUEUE_REDIS_URL, and the services that use it report a Redis that may drop data', async () => {
  const queueUrl = new URL(stack.redisUrl);
  queueUrl.pathname = '/5';
  const services = await startAll('ready', { QUEUE_REDIS_URL: queueUrl.href, HOLD_SECONDS: '1' });
  const [seatId] = await createSeats(1);
  const { body } = await hold(services.bookingApi, seatId!);
  const jobKey = `{bull}:ticket-cleanup:b-${body.id}`;
  const queue = await openRedis({ redisUrl: queueUrl.href });
  expect(await queue.exists(jobKey)).toBe(1);
  expect(await redis.exists(jobKey)).toBe(0);
  await waitFor(async () => (await storedStatus(body.id)).status === 'EXPIRED', {
    description: 'the hold to end',
  });
  await waitFor(async () => (await queue.exists(jobKey)) === 0, { description: 'the job to be done' });
  queue.disconnect();

  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await waitFor(async () => (await readiness(services.worker)).status === 'degraded', {
    description: 'the policy to be noticed',
  });
  await waitFor(async () => (await readiness(services.bookingApi)).status === 'degraded', {
    description: 'the policy to be noticed',
  });
  expect((await readiness(services.worker)).parts).toEqual([
    { name: 'queue', status: 'misconfigured', detail: expect.stringMatching(/must be noeviction/) as string },
  ]);
  expect(await readiness(services.paymentApi)).toEqual({ status: 'ready' });
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
});
