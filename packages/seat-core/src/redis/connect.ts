import { setTimeout as delay } from 'node:timers/promises';
import { Redis, ReplyError } from 'ioredis';
import { withDeadline } from '../resilience/deadline.ts';
import { commandOf } from './explain-error.ts';

export interface RedisConnectionOptions {
  /** `redis://…` or `rediss://…`, Redis 7 or later. */
  readonly redisUrl: string;
  /** Called for each error of the connection; the client reconnects by itself. */
  readonly onConnectionError?: (error: Error) => void;
}

/**
 * The longest that a command stays unanswered before the client gives it up. The circuit breaker lets requests wait
 * less; this bounds what the client keeps while Redis is frozen.
 */
const commandTimeoutMs = 600;
const connectTimeoutMs = 1_000;
const quitMs = 250;

const reconnecting = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  connectTimeout: connectTimeoutMs,
  keepAlive: 10_000,
  // It would ask INFO, which not every user may run. A Redis that is still loading refuses the probe.
  enableReadyCheck: false,
  // The client finds a Redis that is back within half a second, however long the outage was.
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 500) * (0.8 + 0.2 * Math.random()),
} as const;

/**
 * Connects to the Redis of locks, caches and change messages, with settings that fail at once instead of waiting for
 * a Redis that does not answer: no queue of unsent commands, no retry, and no re-sending after a reconnect, which
 * could take a lock for a request that failed long ago.
 *
 * Without a Redis the client is returned all the same, after a second at most; it connects by itself later.
 *
 * @example
 * const redis = await openRedis({ redisUrl: 'redis://127.0.0.1:6379' });
 */
export async function openRedis(options: RedisConnectionOptions): Promise<Redis> {
  const settings = { commandTimeout: commandTimeoutMs, maxRetriesPerRequest: 0, enableAutoPipelining: true };
  return connect(new Redis(options.redisUrl, { ...reconnecting, ...settings }), options);
}

/** Connects to the Redis of the expiry queue, as a producer of jobs needs it; otherwise like `openRedis`. */
export async function openQueueRedis(options: RedisConnectionOptions): Promise<Redis> {
  const settings = { commandTimeout: commandTimeoutMs, maxRetriesPerRequest: 1 };
  return connect(new Redis(options.redisUrl, { ...reconnecting, ...settings }), options);
}

/**
 * Connects as a BullMQ worker must: its blocking reads have no deadline, and its answers about a job are kept until
 * Redis is back. Returns at once, whether Redis is there or not.
 */
export function openWorkerRedis(redisUrl: string): Redis {
  const redis = new Redis(redisUrl, {
    // BullMQ takes a connection that was not begun yet for one that must succeed at once.
    lazyConnect: false,
    maxRetriesPerRequest: null,
    connectTimeout: connectTimeoutMs,
    keepAlive: 10_000,
    enableReadyCheck: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000) * (0.8 + 0.2 * Math.random()),
  });
  // The worker gets the same errors and logs them; without a listener ioredis writes to the console.
  redis.on('error', (error) => refuseOtherDatabase(redis, error));
  return redis;
}

/** Lets commands under way finish; does not wait for a server that is down or silent. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await withDeadline('redis', quitMs, redis.quit()).catch(() => undefined);
  redis.disconnect();
}

async function connect(redis: Redis, { onConnectionError }: RedisConnectionOptions): Promise<Redis> {
  redis.on('error', (error) => {
    refuseOtherDatabase(redis, error);
    onConnectionError?.(error);
  });
  const connected = redis.connect().catch(() => undefined);
  await Promise.race([connected, delay(connectTimeoutMs, undefined, { ref: false })]);
  return redis;
}

/** When SELECT fails, ioredis goes on in database 0, which may be another installation's. */
export function refuseOtherDatabase(redis: Redis, error: Error): void {
  if (error instanceof ReplyError && commandOf(error) === 'SELECT') redis.disconnect(true);
}
