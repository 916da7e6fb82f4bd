import { Redis } from 'ioredis';

/**
 * Connects to Redis as a BullMQ worker must: its blocking reads have no deadline, and what it says about a
 * job is kept until Redis is back. Nobody waits for it as for an answer, nor for Redis to be there.
 */
export function openWorkerRedis(redisUrl: string): Redis {
  const redis = new Redis(redisUrl, {
    // BullMQ takes a connection that nobody has begun to make for one that must succeed at once.
    lazyConnect: false,
    maxRetriesPerRequest: null,
    connectTimeout: 1_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000) * (0.8 + 0.2 * Math.random()),
  });
  // The worker hears of the same errors and logs them; without a listener ioredis writes to the console.
  redis.on('error', () => undefined);
  return redis;
}
