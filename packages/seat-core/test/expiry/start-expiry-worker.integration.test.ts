import {
  createPrivateStack,
  makeEvent,
  waitFor,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/testkit';
import pg from 'pg';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startExpiryWorker } from '../../src/expiry/worker.ts';
import { createExpiryQueue } from '../../src/queue/expiry-queue.ts';
import { closeRedis, openQueueRedis } from '../../src/redis/connect.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';
import { createRecordingLogger } from '../fixtures/recording-logger.ts';

/** The most that `stop` takes, and a little for the machine. */
const stopMs = 4_500;

let stack: PrivateStack;
let core: SeatCore;
let owner: pg.Client;
let free: string[];
beforeAll(async () => {
  stack = await createPrivateStack();
  core = await openSeatCore({ databaseUrl: stack.serviceUrl, redisUrl: stack.redisUrl, holdSeconds: 1 });
  owner = new pg.Client({ connectionString: stack.databaseUrl });
  await owner.connect();
  const { seatIds } = await makeEvent(core, { seats: 50 });
  free = [...seatIds];
});
afterAll(async () => {
  await owner.end();
  await core.close();
  await stack.dispose();
});

const hold = async () => (await core.holdSeats({ seatIds: [free.pop()!], userId: `user-${free.length}` })).id;
const startWorker = () => startExpiryWorker(core, { redisUrl: stack.redisUrl });

async function causesOf(bookingIds: readonly string[]): Promise<string[]> {
  const { rows } = await owner.query<{ cause: string }>(
    `select cause from booking_events where booking_id = any($1) and to_status = 'EXPIRED'`,
    [bookingIds],
  );
  return rows.map(({ cause }) => cause);
}
const untilExpired = (bookingIds: readonly string[]) =>
  waitFor(
    async () => {
      const causes = await causesOf(bookingIds);
      return causes.length === bookingIds.length ? causes : undefined;
    },
    { description: 'the holds to expire' },
  );

async function withQueue<T>(work: (queue: ReturnType<typeof createExpiryQueue>) => Promise<T>): Promise<T> {
  const redis = await openQueueRedis({ redisUrl: stack.redisUrl });
  const queue = createExpiryQueue(redis);
  try {
    return await work(queue);
  } finally {
    await queue.close();
    await closeRedis(redis);
  }
}

it('startExpiryWorker expires holds by their jobs, and counts and logs the jobs', async () => {
  const registry = new Registry();
  const { logger, lines } = createRecordingLogger();
  const worker = await startExpiryWorker(core, { redisUrl: stack.redisUrl, logger, registry });
  // The sweep runs once a second; most of the holds that end in between are expired by their jobs.
  const held: string[] = [];
  while (held.length < 8) {
    held.push(await hold());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await untilExpired(held)).toContain('job');
  await waitFor(() => lines.some(({ message }) => message === 'job done'), { description: 'the log line' });
  const metrics = await registry.metrics();
  expect(metrics).toMatch(/^expiry_job_duration_seconds_count [1-9]/m);
  expect(metrics).toContain('queue_jobs{state="failed"} 0');
  await withinDeadline('stop', stopMs, () => worker.stop());
});

it('startExpiryWorker sweeps holds whose jobs are lost', async () => {
  const held = [await hold(), await hold()];
  await withQueue(async (queue) => {
    for (const id of held) expect(await queue.remove(`b-${id}`)).toBe(1);
  });
  const worker = await startWorker();
  expect(await untilExpired(held)).toEqual(['sweep', 'sweep']);
  await withinDeadline('stop', stopMs, () => worker.stop());
});

it('a stopped worker takes no job and leaves the engine open', async () => {
  const worker = await startWorker();
  await worker.stop();
  const id = await hold();
  await withQueue(async (queue) => {
    await waitFor(async () => (await queue.getJobCounts('delayed'))['delayed'] !== 0, {
      description: 'the job in the queue',
    });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await causesOf([id])).toEqual([]);
    expect((await queue.getJobCounts('active'))['active']).toBe(0);
  });
  expect(await core.sweepOverdue()).toBe(1);
});

it('a worker whose Redis is dead goes on sweeping, and stops in time', async () => {
  const worker = await startWorker();
  await stack.redis.kill();
  try {
    expect(await untilExpired([await hold()])).toEqual(['sweep']);
    await withinDeadline('stop without Redis', stopMs, () => worker.stop());
  } finally {
    await stack.redis.start();
  }
});

it('a worker logs an outage of Redis and its reconnection once each, and takes jobs again', async () => {
  const { logger, lines } = createRecordingLogger();
  const worker = await startExpiryWorker(core, { redisUrl: stack.redisUrl, logger });
  const countLines = (text: string) =>
    lines.filter(({ level, message }) => level !== 'debug' && message.startsWith(text)).length;
  await waitFor(
    async () => {
      await untilExpired([await hold()]);
      return countLines('job done') > 0;
    },
    { description: 'the worker to take jobs', timeoutMs: 10_000 },
  );
  lines.length = 0;
  await stack.redis.kill();
  await waitFor(() => countLines('worker error') > 0, { description: 'the outage to be logged' });
  await stack.redis.start();
  await waitFor(() => countLines('worker reconnected') > 0, { description: 'the reconnection to be logged' });
  await waitFor(() => core.listDegradedDependencies().length === 0, { description: 'Redis to be used' });
  await waitFor(
    async () => {
      await untilExpired([await hold()]);
      return countLines('job done') > 0;
    },
    { description: 'a job to be done', timeoutMs: 10_000 },
  );
  await withinDeadline('stop', stopMs, () => worker.stop());
  expect([countLines('worker error'), countLines('worker reconnected')]).toEqual([1, 1]);
});

it('a worker whose Redis is frozen stops in time', async () => {
  const worker = await startWorker();
  const redis = await openQueueRedis({ redisUrl: stack.redisUrl });
  await waitFor(async () => /cmd=bzpopmin/.test((await redis.client('LIST')) as string), {
    description: 'the blocking read of the worker to be under way',
  });
  await closeRedis(redis);
  await stack.redis.freeze();
  try {
    const stopped = withinDeadline('stop while Redis is frozen', stopMs, () => worker.stop());
    await expect(stopped).resolves.toBeUndefined();
  } finally {
    await stack.redis.thaw();
  }
});

it('a worker that starts without Redis sweeps, and takes jobs when Redis is there', async () => {
  await stack.redis.kill();
  const { logger, lines } = createRecordingLogger();
  const worker = await withinDeadline('the start', 3_000, () =>
    startExpiryWorker(core, { redisUrl: stack.redisUrl, logger }),
  );
  try {
    expect(await untilExpired([await hold()])).toEqual(['sweep']);
  } finally {
    await stack.redis.start();
  }
  await waitFor(() => core.listDegradedDependencies().length === 0, { description: 'Redis to be used' });
  await waitFor(
    async () => {
      const id = await hold();
      await untilExpired([id]);
      return lines.some(({ message }) => message === 'job done');
    },
    { description: 'a job to be done', timeoutMs: 10_000 },
  );
  await withinDeadline('stop', stopMs, () => worker.stop());
});
