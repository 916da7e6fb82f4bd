import { Registry } from 'prom-client';
import type { InstallationCheck } from '../installation.ts';
import { redisCircuitGauge } from '../metrics.ts';
import { silentLogger, type SeatCoreLogger } from '../options.ts';
import { checkQueue } from '../queue/check-queue.ts';
import { exportQueueJobs, GuardedQueue } from '../queue/expiry-queue.ts';
import { closeRedis, openQueueRedis } from '../redis/connect.ts';
import { withNames } from '../redis/keys.ts';
import { requireSupportedRedis } from '../redis/server.ts';
import { logOnce } from '../resilience/log-once.ts';
import { startLoop, type Loop } from '../resilience/loop.ts';
import type { DegradedDependency } from '../types.ts';
import { maxSweep, type ExpireBookingsResult } from './expire-bookings.ts';
import { takeJobs } from './take-jobs.ts';

/** The verbs of SeatCore that the worker calls. */
export interface ExpiryVerbs {
  expireBookings(input: { readonly bookingIds: readonly string[] }): Promise<ExpireBookingsResult>;
  sweepOverdue(input: { readonly limit: number }): Promise<number>;
  repairCache(): Promise<number>;
  countSeats(): Promise<number>;
  purgeIdempotencyKeys(input: { readonly limit: number }): Promise<number>;
  measureClockOffset(): Promise<number>;
}

export interface ExpiryWorkerOptions {
  /** `redis://…` of the queue: the `queueRedisUrl` of the programs that hold seats, else their `redisUrl`. */
  readonly redisUrl: string;
  /** That of the programs that hold seats, default none. */
  readonly redisKeyPrefix?: string;
  readonly logger?: SeatCoreLogger;
  /** Where `expiry_job_duration_seconds` and `queue_jobs` are registered. */
  readonly registry?: Registry;
}

export interface ExpiryWorker {
  /** What is wrong with the queue, from cached state: its jobs are not taken, or may be lost. Does no I/O. */
  listDegradedDependencies(): DegradedDependency[];
  /** What the Redis of the queue really gives. @see SeatCore.checkInstallation */
  checkInstallation(): Promise<InstallationCheck[]>;
  /** Takes no new job, finishes the jobs and rounds under way within 4 s, and disconnects. The engine stays open. */
  stop(): Promise<void>;
}

/** One statement of the purge deletes so many keys at most: a few ms of work. */
const maxPurge = 1_000;

/**
 * Ends holds on time. Takes the clean-up jobs from the queue, and in loops sweeps overdue holds (every second), repairs
 * status keys (every second), counts seats (every 0.3 s), compares the clocks (every 5 s) and purges idempotency keys (every 10 s). Any number of
 * workers may run beside each other. At least one must run beside every program that holds seats; until it is back
 * after an outage, an overdue hold ends when the next buyer wants its seats.
 *
 * @throws RedisSetupError when the Redis of the queue is older than 7, a cluster or a sentinel
 * @example
 * const worker = await startExpiryWorker(core, { redisUrl: 'redis://127.0.0.1:6379' });
 * process.once('SIGTERM', () => void worker.stop());
 */
export async function startExpiryWorker(
  core: ExpiryVerbs,
  { redisUrl, redisKeyPrefix = '', logger = silentLogger, registry = new Registry() }: ExpiryWorkerOptions,
): Promise<ExpiryWorker> {
  const errors = logOnce(logger, {
    dependency: 'queue',
    message: 'connection error; it reconnects by itself',
    level: 'warn',
  });
  // Commands of this connection end after 600 ms: a scrape of the metrics must not wait for a Redis that is down.
  const queueRedis = await openQueueRedis({ redisUrl, onConnectionError: errors.log });
  try {
    await requireSupportedRedis(queueRedis, 'QUEUE_REDIS_URL');
  } catch (error) {
    await closeRedis(queueRedis);
    throw error;
  }
  const circuitOpen = redisCircuitGauge(registry);
  const queue = new GuardedQueue(queueRedis, {
    redisKeyPrefix,
    use: 'take',
    onState: (isOpen) => circuitOpen.set({ part: 'queue' }, Number(isOpen)),
    logger,
  });
  exportQueueJobs(registry, queue.breaker.client, logger);

  const jobs = takeJobs((input) => core.expireBookings(input), {
    redisUrl,
    redisKeyPrefix,
    isUsable: () => queue.isUsable,
    registry,
    logger,
  });
  const loops = startLoops(core, logger);
  return {
    listDegradedDependencies() {
      const trouble = queue.breaker.isOpen ? queue.trouble : (jobs.trouble() ?? queue.trouble);
      return trouble === undefined ? [] : [{ name: 'queue', status: trouble.status, detail: trouble.reason }];
    },
    checkInstallation: () => checkQueue(withNames(queueRedis, redisKeyPrefix)),
    async stop() {
      await loops.stop();
      await jobs.stop();
      queue.breaker.stop();
      await closeRedis(queueRedis);
    },
  };
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
    startLoop({ name: 'counts', everyMs: 300, logger, round: () => core.countSeats() }),
    startLoop({ name: 'clock', everyMs: 5_000, logger, round: () => core.measureClockOffset() }),
    startLoop({ name: 'purge', everyMs: 10_000, logger, round: purge }),
  ];
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
