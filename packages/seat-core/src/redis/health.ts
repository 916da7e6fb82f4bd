import { ReplyError, type Redis } from 'ioredis';
import { DependencyAwayError } from '../resilience/circuit-breaker.ts';

/** What Redis answers when it is there but cannot do its work: full, a replica, still loading, stuck. */
const outages: ReadonlySet<string> = new Set([
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

/** Whether an error says that Redis is away, and not that it refuses one command: a key of another type, say. */
export function isRedisOutage(error: unknown): boolean {
  if (error instanceof DependencyAwayError) return false;
  if (!(error instanceof ReplyError)) return true;
  const [code] = (error as Error).message.split(' ', 1);
  return code !== undefined && outages.has(code);
}

/** Set only if it existed, so it never does; a full Redis and a replica refuse it all the same. */
const probeKey = 'seat-core:probe';
/** Several steps of a request at this pace take longer than what they save. */
const slowMs = 150;

/**
 * Makes the question whether a Redis can be written to, in a time that is worth it: slow twice in a row is away.
 * A connection that stays silent is replaced: its other
 * side may have vanished without a word, and Linux would hold on to it for a quarter of an hour.
 */
export function createRedisProbe(redis: Redis): () => Promise<void> {
  let unanswered = 0;
  let slow = 0;
  return async () => {
    if (unanswered >= 3 && redis.status === 'ready') {
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
