import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { Histogram, type Registry } from 'prom-client';
import type { SeatCoreLogger } from '../options.ts';
import type { expiryJobName, ExpiryJobData } from '../queue/expiry-queue.ts';
import { openWorkerRedis } from '../redis/connect.ts';
import { explainRedisError, isRedisRefusal, type RedisTrouble } from '../redis/explain-error.ts';
import { expiryQueueName, withNames } from '../redis/keys.ts';
import { logOnce } from '../resilience/log-once.ts';
import { startLoop } from '../resilience/loop.ts';
import type { ExpireBookingsResult } from './expire-bookings.ts';
import { runExpiryJob, type ExpireBookings } from './run-job.ts';

export interface TakeJobsOptions {
  /** Of the queue. */
  readonly redisUrl: string;
  readonly redisKeyPrefix: string;
  /** Whether the queue can be used now, as far as is known. */
  readonly isUsable: () => boolean;
  readonly registry: Registry;
  readonly logger: SeatCoreLogger;
}

export interface JobTaking {
  /** Why no job is taken although the queue can be used; undefined while jobs are taken. */
  readonly trouble: () => RedisTrouble | undefined;
  /** Takes no new job, and lets the jobs under way finish within a limit. */
  stop(): Promise<void>;
}

type JobWorker = Worker<ExpiryJobData, ExpireBookingsResult, typeof expiryJobName>;

/** A job takes milliseconds, but a worker whose Redis is down would wait for ever. */
const closeTimeoutMs = 3_500;
const lookEveryMs = 250;
/** From the refusal that ended one worker to the start of the next. */
const refusedPauseMs = 5_000;
/** A worker without a refusal for so long takes jobs. */
const provenAfterMs = 1_000;
/** More errors between two looks than these come from a loop without a pause, whatever they say. */
const maxErrorsPerLook = 100;

/**
 * Takes clean-up jobs from the queue until it is stopped. BullMQ's worker reconnects by itself when Redis is down. But
 * when Redis refuses its commands it asks again without a pause, and keeps the process from all other work: then this
 * closes the worker at its first error, and makes another one after a pause, while the queue can be used.
 */
export function takeJobs(run: ExpireBookings, options: TakeJobsOptions): JobTaking {
  const { isUsable, registry, logger } = options;
  const duration = new Histogram({
    name: 'expiry_job_duration_seconds',
    help: 'How long a clean-up job ran.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [registry],
  });
  const message = 'worker error; the worker goes on by itself';
  const errors = logOnce(logger, { dependency: 'queue', message, level: 'error' }, 1);
  const closing = new Set<Promise<void>>();
  let current: OpenWorker | undefined;
  let startedAt = -Infinity;
  let mayStartAt = -Infinity;
  let errorsSinceLook = 0;
  let refusal: Error | undefined;

  const closeCurrent = () => {
    if (current === undefined) return;
    // Synchronous up to the flag that ends the worker's loop.
    const closed = closeWorker(current).finally(() => closing.delete(closed));
    closing.add(closed);
    current = undefined;
  };
  const start = () => {
    const opened: OpenWorker = openWorker(run, duration, options);
    opened.worker.on('error', (error) => {
      errors.log(error);
      errorsSinceLook += 1;
      if (current !== opened || !(isRedisRefusal(error) || errorsSinceLook > maxErrorsPerLook)) return;
      refusal = error;
      mayStartAt = performance.now() + refusedPauseMs;
      closeCurrent();
    });
    // The worker itself emits `ready` only once, at its start.
    opened.redis.on('ready', () => {
      if (errors.hasLogged() && refusal === undefined) logger.info({}, 'worker reconnected');
      if (refusal === undefined) errors.reset();
    });
    current = opened;
    startedAt = performance.now();
  };
  const look = async () => {
    errorsSinceLook = 0;
    const now = performance.now();
    if (current === undefined && now >= mayStartAt && isUsable()) start();
    if (refusal === undefined || current === undefined || now - startedAt < provenAfterMs) return;
    refusal = undefined;
    errors.reset();
    logger.info({}, 'worker takes jobs again');
  };

  const loop = startLoop({ name: 'jobs', everyMs: lookEveryMs, logger, round: look });
  return {
    trouble: () => {
      if (refusal === undefined) return undefined;
      const { status, reason } = explainRedisError(refusal);
      return { status, reason: `${reason} The sweep ends holds in place of their jobs.` };
    },
    async stop() {
      await loop.stop();
      closeCurrent();
      await Promise.all(closing);
    },
  };
}

interface OpenWorker {
  readonly worker: JobWorker;
  readonly redis: Redis;
}

function openWorker(
  run: ExpireBookings,
  duration: Histogram,
  { redisUrl, redisKeyPrefix, logger }: TakeJobsOptions,
): OpenWorker {
  const redis = openWorkerRedis(redisUrl);
  const worker: JobWorker = new Worker(
    expiryQueueName,
    async (job, token) => {
      const stopTimer = duration.startTimer();
      try {
        return await runExpiryJob(run, job, token);
      } finally {
        stopTimer();
      }
    },
    {
      connection: redis,
      prefix: withNames(redis, redisKeyPrefix).names.queuePrefix,
      // It would ask INFO, which not every user may run, and never recover from a refusal.
      skipVersionCheck: true,
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
  // Without the version BullMQ takes Redis for one that blocks for whole seconds only, and jobs would start late.
  const { blockingConnection } = worker.getBackend();
  const setCapabilities = () => {
    if (blockingConnection !== undefined)
      blockingConnection.capabilities = { ...blockingConnection.capabilities, canDoubleTimeout: true };
  };
  worker.waitUntilReady().then(setCapabilities, () => undefined);
  logWorkerEvents(worker, logger);
  return { worker, redis };
}

/**
 * Lets the jobs under way finish, within a limit. Then the connection is cut, and another worker takes over the jobs
 * that are left when their locks end.
 */
async function closeWorker({ worker, redis }: OpenWorker): Promise<void> {
  // A second `close(true)` would return the promise of the first one; only the cut ends a close that hangs.
  await Promise.race([worker.close(), delay(closeTimeoutMs, undefined, { ref: false })]);
  redis.disconnect();
}

function logWorkerEvents(worker: JobWorker, logger: SeatCoreLogger): void {
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
}
