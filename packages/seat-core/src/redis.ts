import { Redis } from 'ioredis';

export interface RedisConnectionOptions {
  /** `redis://…` or `rediss://…`, Redis 7 or later. */
  readonly redisUrl: string;
  /** Called for each error of the connection; it reconnects by itself. */
  readonly onConnectionError?: (error: Error) => void;
}

/** The longest a single Redis command may keep a request waiting. */
const commandTimeoutMs = 250;

/**
 * Connects to the Redis of locks, caches and change messages, with settings that fail at once instead of
 * waiting for a Redis that does not answer: no queue of unsent commands, no retry, and no re-sending after
 * a reconnect, which could take a lock for a caller who was told long ago that it had failed.
 *
 * @throws the connection's error when Redis cannot be reached
 */
export async function openRedis(options: RedisConnectionOptions): Promise<Redis> {
  return connect(
    new Redis(options.redisUrl, {
      ...reconnecting,
      commandTimeout: commandTimeoutMs,
      maxRetriesPerRequest: 0,
      enableAutoPipelining: true,
    }),
    options,
  );
}

/** Connects to the Redis of the expiry queue, as a producer needs it. */
export async function openQueueRedis(options: RedisConnectionOptions): Promise<Redis> {
  return connect(
    new Redis(options.redisUrl, {
      ...reconnecting,
      commandTimeout: 2 * commandTimeoutMs,
      maxRetriesPerRequest: 1,
    }),
    options,
  );
}

/** Lets commands under way finish; does not wait for a server that is not there. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
  else redis.disconnect();
}

const reconnecting = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  connectTimeout: 1_000,
  keepAlive: 10_000,
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 1_000) * (0.8 + 0.2 * Math.random()),
} as const;

async function connect(redis: Redis, options: RedisConnectionOptions): Promise<Redis> {
  redis.on('error', options.onConnectionError ?? (() => {}));
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}
