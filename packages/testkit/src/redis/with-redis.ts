import { Redis } from 'ioredis';

/** Runs `fn` on a connection of its own, which never reconnects and is closed afterwards. */
export async function withRedis<T>(url: string, fn: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    // A Redis that is frozen accepts connections and answers nothing.
    connectTimeout: 5_000,
    commandTimeout: 5_000,
  });
  // The awaited commands report the same error.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await fn(redis);
  } finally {
    redis.disconnect();
  }
}
