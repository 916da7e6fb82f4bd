import { connectAll, openDatabase } from './database.ts';
import { createExpiryQueue } from './expiry-queue.ts';
import { closeRedis, openQueueRedis, openRedis } from './redis.ts';
import { createSeatCore, type SeatCore, type SeatCoreOptions } from './seat-core.ts';

export interface OpenSeatCoreOptions extends Omit<SeatCoreOptions, 'database' | 'redis' | 'expiryQueue'> {
  /** `postgres://…`, PostgreSQL 15 or later, migrated. */
  readonly databaseUrl: string;
  /** `redis://…`, Redis 7 or later. */
  readonly redisUrl: string;
  /** Connections to PostgreSQL, default 10. */
  readonly databasePoolMax?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
}

/**
 * Connects and returns the verbs; disposing closes what this opened.
 *
 * @throws the driver's error when Redis or PostgreSQL cannot be reached
 */
export async function openSeatCore(options: OpenSeatCoreOptions): Promise<SeatCore> {
  const report = (part: string) => (error: Error) =>
    options.logger?.warn({ err: error, part }, 'connection error; it is made again by itself');
  const database = openDatabase({
    databaseUrl: options.databaseUrl,
    onConnectionError: report('postgresql'),
    ...(options.databasePoolMax === undefined ? {} : { poolMax: options.databasePoolMax }),
    ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
  });
  const closers: (() => Promise<unknown>)[] = [() => database.$client.end()];
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close();
  };
  try {
    await connectAll(database);
    const redis = await openRedis({ redisUrl: options.redisUrl, onConnectionError: report('redis') });
    closers.push(() => closeRedis(redis));
    const queueRedis = await openQueueRedis({
      redisUrl: options.redisUrl,
      onConnectionError: report('queue'),
    });
    closers.push(() => closeRedis(queueRedis));
    const expiryQueue = createExpiryQueue(queueRedis);
    expiryQueue.on('error', report('queue'));
    closers.push(() => expiryQueue.close());
    const core = createSeatCore({ ...options, database, redis, expiryQueue });
    closers.push(async () => core[Symbol.asyncDispose]());
    return { ...core, [Symbol.asyncDispose]: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
