import {
  expiryQueueName,
  type expiryJobName,
  type ExpireBookingsResult,
  type ExpiryJobData,
  type SeatCore,
  type SeatCoreLogger,
} from '@ticketing/seat-core';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { Histogram, type Registry } from 'prom-client';
import { logWorkerEvents } from './log-worker-events.ts';
import { runExpiryJob } from './run-expiry-job.ts';

export type ExpiryWorker = Worker<ExpiryJobData, ExpireBookingsResult, typeof expiryJobName>;

export interface StartWorkerOptions {
  readonly core: SeatCore;
  /** From `openWorkerRedis`; stays its owner's. */
  readonly redis: Redis;
  readonly registry: Registry;
  readonly logger: SeatCoreLogger;
}

/** Takes clean-up jobs from the queue until it is closed. */
export function startWorker({ core, redis, registry, logger }: StartWorkerOptions): ExpiryWorker {
  const duration = new Histogram({
    name: 'expiry_job_duration_seconds',
    help: 'How long a clean-up job was worked on.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [registry],
  });
  const worker: ExpiryWorker = new Worker(
    expiryQueueName,
    async (job, token) => {
      const stopTimer = duration.startTimer();
      try {
        return await runExpiryJob(core, job, token);
      } finally {
        stopTimer();
      }
    },
    {
      connection: redis,
      concurrency: 20,
      // A worker that dies gives its jobs to the others within 15 s, by default it would be a minute …
      lockDuration: 10_000,
      stalledInterval: 5_000,
      // … and a job may meet five such deaths: by default the second one fails it for good.
      maxStalledCount: 5,
      drainDelay: 2,
      // After an error of Redis; by default a quarter of a minute.
      runRetryDelay: 1_000,
    },
  );
  logWorkerEvents(worker, logger);
  return worker;
}
