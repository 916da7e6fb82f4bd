import { Redis } from 'ioredis';

/**
 * Connects to Redis as a BullMQ worker must: its blocking reads have no deadline, and what it says about a
 * job is kept until Redis is back. Nobody waits for it as for an answer.
 *
 * @throws the connection's error when Redis cannot be reached
 */
export async function openWorkerRedis(redisUrl: string): Promise<Redis> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: 1_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000) * (0.8 + 0.2 * Math.random()),
  });
  // The worker hears of the same errors and logs them; without a listener ioredis writes to the console.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}
