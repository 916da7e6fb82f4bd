import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { inTime } from '../resilience/deadline.ts';

export interface RedisConnectionOptions {
  /** `redis://…` or `rediss://…`, Redis 7 or later. */
  readonly redisUrl: string;
  /** Called for each error of the connection; it reconnects by itself. */
  readonly onConnectionError?: (error: Error) => void;
}

/**
 * The longest that a command stays unanswered before the client gives it up. Requests wait less, as the engine's
 * breaker says; this bounds what is left lying in the client while Redis is frozen.
 */
const commandTimeoutMs = 600;
const connectTimeoutMs = 1_000;
const farewellMs = 250;

/**
 * Connects to the Redis of locks, caches and change messages, with settings that fail at once instead of
 * waiting for a Redis that does not answer: no queue of unsent commands, no retry, and no re-sending after
 * a reconnect, which could take a lock for a caller who was told long ago that it had failed.
 *
 * Without a Redis there the client is returned all the same, after a second at most; it connects by itself.
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

/** Connects to the Redis of the expiry queue, as a producer needs it; in all else like `openRedis`. */
export async function openQueueRedis(options: RedisConnectionOptions): Promise<Redis> {
  return connect(
    new Redis(options.redisUrl, {
      ...reconnecting,
      commandTimeout: commandTimeoutMs,
      maxRetriesPerRequest: 1,
    }),
    options,
  );
}

/** Lets commands under way finish; does not wait for a server that is not there, or does not answer. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await inTime('redis', farewellMs, redis.quit()).catch(() => undefined);
  redis.disconnect();
}

const reconnecting = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  connectTimeout: connectTimeoutMs,
  keepAlive: 10_000,
  // A Redis that is back is met within half a second, whatever the length of its absence.
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 500) * (0.8 + 0.2 * Math.random()),
} as const;

async function connect(redis: Redis, { onConnectionError }: RedisConnectionOptions): Promise<Redis> {
  redis.on('error', onConnectionError ?? (() => undefined));
  const connected = redis.connect().catch(() => undefined);
  await Promise.race([connected, delay(connectTimeoutMs, undefined, { ref: false })]);
  return redis;
}
