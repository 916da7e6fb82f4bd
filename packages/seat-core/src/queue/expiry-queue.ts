import { failpoint } from '#failpoint';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Gauge, type Registry } from 'prom-client';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import { createRedisProbe, isRedisOutage } from '../redis/health.ts';
import { expiryQueueName } from '../redis/keys.ts';
import { CircuitBreaker } from '../resilience/circuit-breaker.ts';

export const expiryJobName = 'cleanup';

/** What a clean-up job carries: the bookings of one commit, often one. Ids only. */
export interface ExpiryJobData {
  readonly bookings: readonly [ExpiryJobBooking, ...ExpiryJobBooking[]];
}

export interface ExpiryJobBooking {
  readonly bookingId: string;
  readonly seatIds: readonly string[];
}

export type ExpiryQueue = Queue<ExpiryJobData, void, typeof expiryJobName>;

/** No request waits for the queue. */
const queueLimitMs = 500;

/** @param redis a connection of `openQueueRedis`; closing the queue leaves it open */
export function createExpiryQueue(redis: Redis): ExpiryQueue {
  // By default BullMQ asks for the version of Redis once, and stays unusable when there was no answer.
  return new Queue(expiryQueueName, {
    connection: redis,
    skipWaitingForReady: true,
    skipVersionCheck: true,
  });
}

/**
 * Adds the delayed job of one commit. The job is a hint: the worker asks PostgreSQL before it expires a booking, and
 * the sweep ends the holds of a lost job.
 */
export async function scheduleExpiry(
  queue: ExpiryQueue,
  bookings: ExpiryJobData['bookings'],
  holdSeconds: number,
): Promise<void> {
  await queue.add(
    expiryJobName,
    { bookings },
    {
      jobId: `b-${bookings[0].bookingId}`,
      delay: holdSeconds * 1_000,
      attempts: 3,
      backoff: { type: 'exponential', delay: 250, jitter: 0.5 },
      removeOnComplete: true,
      removeOnFail: false,
    },
  );
  failpoint('hold-job-added');
}

/** The queue behind its circuit breaker. */
export class GuardedQueue {
  readonly breaker: CircuitBreaker<ExpiryQueue>;
  #evictionPolicy: string | null = null;

  /** @param redis a connection of `openQueueRedis`; stays its owner's */
  constructor(redis: Redis, { metrics, logger }: { metrics: SeatCoreMetrics; logger: SeatCoreLogger }) {
    const queue = createExpiryQueue(redis);
    // The owner of the connection gets the same errors.
    queue.on('error', () => undefined);
    const probe = createRedisProbe(redis);
    this.breaker = new CircuitBreaker({
      name: 'queue',
      client: queue,
      probe: async () => {
        await probe();
        this.#evictionPolicy = await readEvictionPolicy(redis, logger);
      },
      limitMs: queueLimitMs,
      isOutage: isRedisOutage,
      logger,
      onState: (isOpen) => metrics.redisCircuitOpen.set({ part: 'queue' }, Number(isOpen)),
    });
  }

  /** What its Redis does when its memory is full (`noeviction`, …); null while that is unknown. */
  get evictionPolicy(): string | null {
    return this.#evictionPolicy;
  }
}

/** Read from INFO, which more Redis users may run than CONFIG; without the right to either the policy is unknown. */
async function readEvictionPolicy(redis: Redis, logger: SeatCoreLogger): Promise<string | null> {
  try {
    const memory = await redis.info('memory');
    return /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null;
  } catch (err) {
    logger.debug({ err, dependency: 'queue' }, 'eviction policy unknown: INFO failed');
    return null;
  }
}

const jobStates = ['waiting', 'active', 'delayed', 'failed'] as const;

/**
 * Exports the number of jobs in the queue, counted at each scrape. While Redis does not answer the metric is absent
 * rather than old.
 *
 * @param queue on a connection of `openQueueRedis`, whose commands end after 600 ms
 */
export function exportQueueJobs(registry: Registry, queue: ExpiryQueue, logger: SeatCoreLogger): void {
  new Gauge({
    name: 'queue_jobs',
    help: 'Clean-up jobs by state.',
    labelNames: ['state'] as const,
    registers: [registry],
    async collect() {
      this.reset();
      try {
        const counts = await queue.getJobCounts(...jobStates);
        for (const state of jobStates) this.set({ state }, counts[state] ?? 0);
      } catch (err) {
        logger.debug({ err }, 'counting the jobs of the queue failed');
      }
    },
  });
}
