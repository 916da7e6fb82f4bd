import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { Histogram, Registry } from 'prom-client';
import { silentLogger, type SeatCoreLogger } from '../options.ts';
import {
  createExpiryQueue,
  exportQueueJobs,
  type expiryJobName,
  type ExpiryJobData,
} from '../queue/expiry-queue.ts';
import { closeRedis, openQueueRedis, openWorkerRedis } from '../redis/connect.ts';
import { expiryQueueName } from '../redis/keys.ts';
import { startLoop, type Loop } from '../resilience/loop.ts';
import { maxSweep, type ExpireBookingsResult } from './expire-bookings.ts';
import { runExpiryJob } from './run-job.ts';

/** The verbs of SeatCore that the worker calls. */
export interface ExpiryVerbs {
  expireBookings(input: { readonly bookingIds: readonly string[] }): Promise<ExpireBookingsResult>;
  sweepOverdue(input: { readonly limit: number }): Promise<number>;
  repairCache(): Promise<number>;
  purgeIdempotencyKeys(input: { readonly limit: number }): Promise<number>;
  measureClockOffset(): Promise<number>;
}

export interface ExpiryWorkerOptions {
  /** `redis://…` of the queue: the `queueRedisUrl` of the programs that hold seats, else their `redisUrl`. */
  readonly redisUrl: string;
  readonly logger?: SeatCoreLogger;
  /** Where `expiry_job_duration_seconds` and `queue_jobs` are registered. */
  readonly registry?: Registry;
}

export interface ExpiryWorker {
  /** Takes no new job, finishes the jobs and rounds under way within 4 s, and disconnects. The engine stays open. */
  stop(): Promise<void>;
}

/** A job takes milliseconds, but a worker whose Redis is down would wait for ever. */
const closeTimeoutMs = 3_500;
/** One statement of the purge deletes so many keys at most: a few ms of work. */
const maxPurge = 1_000;

/**
 * Ends holds on time. Takes the clean-up jobs from the queue, and in loops sweeps overdue holds (every second), repairs
 * status keys (every second), compares the clocks (every 5 s) and purges idempotency keys (every 10 s). Any number of
 * workers may run beside each other. At least one must run beside every program that holds seats; until it is back
 * after an outage, an overdue hold ends when the next buyer wants its seats.
 *
 * @example
 * const worker = await startExpiryWorker(core, { redisUrl: 'redis://127.0.0.1:6379' });
 * process.once('SIGTERM', () => void worker.stop());
 */
export async function startExpiryWorker(
  core: ExpiryVerbs,
  { redisUrl, logger = silentLogger, registry = new Registry() }: ExpiryWorkerOptions,
): Promise<ExpiryWorker> {
  // Commands of this connection end after 600 ms: a scrape of the metrics must not wait for a Redis that is down. The
  // engine and the worker log the outage of the same Redis, so this connection does not.
  const onConnectionError = (err: Error) => logger.debug({ err, dependency: 'queue' }, 'connection error');
  const queueRedis = await openQueueRedis({ redisUrl, onConnectionError });
  const queue = createExpiryQueue(queueRedis);
  queue.on('error', onConnectionError);
  exportQueueJobs(registry, queue, logger);

  const workerRedis = openWorkerRedis(redisUrl);
  const jobs = startJobs(core, { redis: workerRedis, registry, logger });
  const loops = startLoops(core, logger);
  return {
    async stop() {
      await loops.stop();
      await closeWorker(jobs, workerRedis);
      await closeRedis(queueRedis);
    },
  };
}

type JobWorker = Worker<ExpiryJobData, ExpireBookingsResult, typeof expiryJobName>;

/** Takes clean-up jobs from the queue until it is closed. */
export function startJobs(
  core: Pick<ExpiryVerbs, 'expireBookings'>,
  { redis, registry, logger }: { redis: Redis; registry: Registry; logger: SeatCoreLogger },
): JobWorker {
  const duration = new Histogram({
    name: 'expiry_job_duration_seconds',
    help: 'How long a clean-up job ran.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [registry],
  });
  const worker: JobWorker = new Worker(
    expiryQueueName,
    async (job, token) => {
      const stopTimer = duration.startTimer();
      try {
        return await runExpiryJob((input) => core.expireBookings(input), job, token);
      } finally {
        stopTimer();
      }
    },
    {
      connection: redis,
      concurrency: 20,
      // The jobs of a worker that dies go to the others within 15 s; by default it would be a minute.
      lockDuration: 10_000,
      stalledInterval: 5_000,
      // A job survives five such deaths; by default the second one fails it for good.
      maxStalledCount: 5,
      drainDelay: 2,
      // After an error of Redis; by default a quarter of a minute.
      runRetryDelay: 1_000,
    },
  );
  logWorkerEvents(worker, redis, logger);
  return worker;
}

/** No lost job and no lost delete lasts longer than a second or two. */
export function startLoops(core: ExpiryVerbs, logger: SeatCoreLogger): Loop {
  const repeatWhileFull =
    (limit: number, work: (input: { readonly limit: number }) => Promise<number>) =>
    async (stopping: AbortSignal) => {
      let done: number;
      do done = await work({ limit });
      while (done === limit && !stopping.aborted);
    };
  const sweep = repeatWhileFull(maxSweep, (input) => core.sweepOverdue(input));
  const purge = repeatWhileFull(maxPurge, (input) => core.purgeIdempotencyKeys(input));
  const loops = [
    startLoop({ name: 'sweep', everyMs: 1_000, logger, round: sweep }),
    startLoop({ name: 'repair', everyMs: 1_000, logger, round: () => core.repairCache() }),
    startLoop({ name: 'clock', everyMs: 5_000, logger, round: () => core.measureClockOffset() }),
    startLoop({ name: 'purge', everyMs: 10_000, logger, round: purge }),
  ];
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/**
 * Lets the jobs under way finish, within a limit. Then the connection is cut, and another worker takes over the jobs
 * that are left when their locks end.
 */
export async function closeWorker(worker: JobWorker, redis: Redis): Promise<void> {
  // A second `close(true)` would return the promise of the first one; only the cut ends a close that hangs.
  await Promise.race([worker.close(), delay(closeTimeoutMs, undefined, { ref: false })]);
  redis.disconnect();
}

function logWorkerEvents(worker: JobWorker, redis: Redis, logger: SeatCoreLogger): void {
  worker.on('completed', ({ id, data }, { expired }) =>
    logger.info({ jobId: id, bookings: data.bookings.length, expired }, 'job done'),
  );
  worker.on('failed', (job, err) => {
    const fields = { err, jobId: job?.id, attemptsMade: job?.attemptsMade };
    // Between two attempts the sweep may end the hold; only a job that is given up needs a person.
    if (job?.finishedOn === undefined) logger.warn(fields, 'job failed; it will be tried again');
    else logger.error(fields, 'job failed');
  });
  worker.on('stalled', (jobId) =>
    logger.warn({ jobId }, 'job of a worker that died; another worker takes it'),
  );

  // Each attempt to reconnect fails with the same message: it is logged once, until it changes.
  let lastMessage = '';
  worker.on('error', (err) => {
    if (err.message === lastMessage) return;
    lastMessage = err.message;
    logger.error({ err }, 'worker error; the worker goes on and reconnects by itself');
  });
  // The worker itself emits `ready` only once, at its start.
  redis.on('ready', () => {
    if (lastMessage !== '') logger.info({}, 'worker reconnected');
    lastMessage = '';
  });
}
