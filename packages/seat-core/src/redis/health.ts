import { ReplyError, type Redis } from 'ioredis';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import { CircuitBreaker, CircuitOpenError } from '../resilience/circuit-breaker.ts';
import { probeKey } from './keys.ts';

/** The longest that one step of a request waits for Redis. After a failed step the request uses Redis no more. */
const stepLimitMs = 250;
/** Several steps of a request at this pace take longer than what they save. */
const slowMs = 150;
/** Unanswered probes after which the connection is replaced. */
const silentProbes = 3;

/** Replies of a Redis that is there but cannot do its work: full, a replica, still loading, stuck. */
const outageReplies: ReadonlySet<string> = new Set([
  'OOM',
  'READONLY',
  'LOADING',
  'MISCONF',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'NOREPLICAS',
  'BUSY',
  'NOAUTH',
  'WRONGPASS',
]);

/** Whether an error means that Redis is down, rather than that it refuses one command (a key of another type, say). */
export function isRedisOutage(error: unknown): boolean {
  if (error instanceof CircuitOpenError) return false;
  if (!(error instanceof ReplyError)) return true;
  const [code] = (error as Error).message.split(' ', 1);
  return code !== undefined && outageReplies.has(code);
}

/**
 * Makes the probe: can this Redis be written to, in a time that is worth it? Two slow answers in a row count as an
 * outage. A connection that stays silent is replaced: its peer may have vanished without a FIN, and Linux would keep
 * the socket for a quarter of an hour.
 */
export function createRedisProbe(redis: Redis): () => Promise<void> {
  let unanswered = 0;
  let slow = 0;
  return async () => {
    if (unanswered >= silentProbes && redis.status === 'ready') {
      unanswered = 0;
      redis.disconnect(true);
    }
    unanswered += 1;
    const sentAt = performance.now();
    try {
      await redis.set(probeKey, '', 'XX');
      unanswered = 0;
    } catch (error) {
      if (error instanceof ReplyError) unanswered = 0;
      throw error;
    }
    const tookMs = performance.now() - sentAt;
    slow = tookMs > slowMs ? slow + 1 : 0;
    if (slow >= 2) throw new Error(`Redis took ${Math.round(tookMs)} ms to answer`);
  };
}

/**
 * Puts the Redis of locks and caches behind its circuit breaker.
 *
 * @param onClosed called with the length of the outage in ms
 */
export function createRedisBreaker(
  redis: Redis,
  {
    metrics,
    logger,
    onClosed,
  }: {
    readonly metrics: SeatCoreMetrics;
    readonly logger: SeatCoreLogger;
    readonly onClosed: (outageMs: number) => Promise<unknown>;
  },
): CircuitBreaker<Redis> {
  return new CircuitBreaker({
    name: 'redis',
    client: redis,
    probe: createRedisProbe(redis),
    limitMs: stepLimitMs,
    isOutage: isRedisOutage,
    logger,
    onState: (isOpen) => metrics.redisCircuitOpen.set({ part: 'redis' }, Number(isOpen)),
    onClosed,
  });
}
