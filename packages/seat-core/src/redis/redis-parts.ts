import type { Redis } from 'ioredis';
import type { SeatCoreLogger } from '../options.ts';
import { Dependency } from '../resilience/circuit-breaker.ts';
import { createExpiryQueue, type ExpiryQueue } from '../queue/expiry-queue.ts';
import { Guarded } from '../resilience/guarded.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import { createRedisProbe, isRedisOutage } from './health.ts';

interface GuardOptions {
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
}

/** The longest that a step of a request waits for Redis; a step that failed is the request's last one there. */
const stepLimitMs = 250;
/** No request waits for the queue. */
const queueLimitMs = 500;

/** A client of Redis behind its breaker; disposing ends the probing and leaves the client open. */
export interface GuardedPart<Client> extends Disposable {
  readonly guarded: Guarded<Client>;
}

/** @param onReturn told how long Redis was away once it is back */
export function guardRedis(
  redis: Redis,
  { metrics, logger, onReturn }: GuardOptions & { onReturn: (awayMs: number) => Promise<unknown> },
): GuardedPart<Redis> {
  const part = new Dependency({
    name: 'redis',
    probe: createRedisProbe(redis),
    limitMs: stepLimitMs,
    isOutage: isRedisOutage,
    logger,
    onState: (isAway) => metrics.redisCircuitOpen.set({ part: 'redis' }, Number(isAway)),
    onReturn,
  });
  return { guarded: new Guarded(redis, part), [Symbol.dispose]: () => part[Symbol.dispose]() };
}

export interface GuardedQueue extends GuardedPart<ExpiryQueue> {
  /** What its Redis does when its memory is full; null while that is not known. */
  readonly evictionPolicy: () => string | null;
}

export function guardExpiryQueue(redis: Redis, { metrics, logger }: GuardOptions): GuardedQueue {
  const queue = createExpiryQueue(redis);
  // The owner of the connection hears the same errors.
  queue.on('error', () => undefined);
  let policy: string | null = null;
  const probe = createRedisProbe(redis);
  const part = new Dependency({
    name: 'queue',
    probe: async () => {
      await probe();
      policy = await readEvictionPolicy(redis, logger);
    },
    limitMs: queueLimitMs,
    isOutage: isRedisOutage,
    logger,
    onState: (isAway) => metrics.redisCircuitOpen.set({ part: 'queue' }, Number(isAway)),
  });
  return {
    guarded: new Guarded(queue, part),
    evictionPolicy: () => policy,
    [Symbol.dispose]: () => part[Symbol.dispose](),
  };
}

/** From INFO, which more users of Redis are allowed than CONFIG; who is allowed neither is told nothing. */
async function readEvictionPolicy(redis: Redis, logger: SeatCoreLogger): Promise<string | null> {
  try {
    const memory = await redis.info('memory');
    return /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null;
  } catch (err) {
    logger.debug({ err, part: 'queue' }, 'the eviction policy could not be read');
    return null;
  }
}
