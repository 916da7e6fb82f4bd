import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { ExpiryWorker } from './start-worker.ts';

/** A job takes milliseconds; a worker whose Redis is gone would wait for ever. */
const patienceMs = 3_500;

/**
 * Lets the jobs under way finish, for a while; then its connection is cut, and what it left becomes another
 * worker's when the locks of the jobs have run out.
 */
export async function closeWorker(worker: ExpiryWorker, redis: Redis): Promise<void> {
  // A second `close(true)` would return the promise of the first: what ends a close that hangs is the cut.
  await Promise.race([worker.close(), delay(patienceMs, undefined, { ref: false })]);
  redis.disconnect();
}
