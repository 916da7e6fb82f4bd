import { failpoint } from '#failpoint';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Gauge, type Registry } from 'prom-client';
import type { SeatCoreLogger } from '../options.ts';
import { describeRefusal } from '../redis/rights.ts';
import { explainRedisError, isRedisRefusal, type RedisTrouble } from '../redis/explain-error.ts';
import { createRedisProbe, isRedisOutage } from '../redis/health.ts';
import { expiryQueueName, withNames, type RedisClient } from '../redis/keys.ts';
import { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import { askForQueueRights, type QueueUse } from './queue-rights.ts';

export const expiryJobName = 'cleanup';

/** What a clean-up job carries: the bookings of one commit, often one. Ids only. */
export interface ExpiryJobData {
  readonly bookings: readonly [ExpiryJobBooking, ...ExpiryJobBooking[]];
}

export interface ExpiryJobBooking {
  readonly bookingId: string;
  readonly eventId: string;
  readonly seatIds: readonly string[];
}

export type ExpiryQueue = Queue<ExpiryJobData, void, typeof expiryJobName>;

/** No request waits for the queue. */
const queueLimitMs = 500;

/**
 * @param redis a connection of `openQueueRedis`; closing the queue leaves it open
 * @param redisKeyPrefix of the programs that hold seats
 */
export function createExpiryQueue(redis: Redis, redisKeyPrefix = ''): ExpiryQueue {
  // By default BullMQ asks for the version of Redis once, and stays unusable when there was no answer.
  return new Queue(expiryQueueName, {
    connection: redis,
    prefix: withNames(redis, redisKeyPrefix).names.queuePrefix,
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
  #hasAnswered = false;
  #evictionPolicy: string | null = null;
  #infoRefusal: string | undefined;

  /**
   * @param redis a connection of `openQueueRedis`; stays its owner's
   * @param options.use what this program does with the queue
   * @param options.onState called at the start and at each change
   */
  constructor(
    redis: Redis,
    options: {
      readonly redisKeyPrefix: string;
      readonly use: QueueUse;
      readonly onState: (isOpen: boolean) => void;
      readonly logger: SeatCoreLogger;
    },
  ) {
    const { redisKeyPrefix, use, onState, logger } = options;
    const client: RedisClient = withNames(redis, redisKeyPrefix);
    const queue = createExpiryQueue(redis, redisKeyPrefix);
    // The owner of the connection gets the same errors.
    queue.on('error', () => undefined);
    const probe = createRedisProbe(redis, {
      write: () => redis.zadd(client.names.queueProbe, 'XX', 1, 'm'),
      rights: askForQueueRights(client, use),
    });
    this.breaker = new CircuitBreaker({
      name: 'queue',
      client: queue,
      probe: async (_, isThorough) => {
        await probe(isThorough);
        this.#hasAnswered = true;
        await this.#readEvictionPolicy(redis);
      },
      limitMs: queueLimitMs,
      isOutage: isRedisOutage,
      isRefusal: isRedisRefusal,
      logger,
      onState,
    });
  }

  /** Whether the latest probe succeeded; false before the first one. */
  get isUsable(): boolean {
    return this.#hasAnswered && !this.breaker.isOpen;
  }

  /** What is wrong with the queue, from cached state; undefined when nothing is. */
  get trouble(): RedisTrouble | undefined {
    if (this.breaker.isOpen) {
      const { status, reason } = explainRedisError(this.breaker.failure);
      return { status, reason: `${reason} The sweep ends holds in place of their jobs.` };
    }
    if (this.#infoRefusal !== undefined) {
      const reason = `${this.#infoRefusal} Whether this Redis deletes clean-up jobs when it is full is unknown; maxmemory-policy must be noeviction.`;
      return { status: 'misconfigured', reason };
    }
    if (this.#evictionPolicy === null || this.#evictionPolicy === 'noeviction') return undefined;
    const reason = `The Redis of the queue deletes keys when it is full (maxmemory-policy ${this.#evictionPolicy}), clean-up jobs among them. It must be noeviction.`;
    return { status: 'misconfigured', reason };
  }

  /** Read from INFO, which more Redis users may run than CONFIG. */
  async #readEvictionPolicy(redis: Redis): Promise<void> {
    try {
      const memory = await redis.info('memory');
      this.#evictionPolicy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null;
      this.#infoRefusal = undefined;
    } catch (error) {
      // Jobs run without INFO. An outage shows in the next probe.
      this.#evictionPolicy = null;
      this.#infoRefusal = isRedisRefusal(error) ? describeRefusal(error) : undefined;
    }
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
