import { connectAll, openDatabase } from './postgres/pool.ts';
import { closeRedis, openQueueRedis, openRedis } from './redis/connect.ts';
import { createSeatCore, type SeatCore, type SeatCoreOptions } from './seat-core.ts';

export interface OpenSeatCoreOptions extends Omit<
  SeatCoreOptions,
  'database' | 'replica' | 'redis' | 'queueRedis'
> {
  /** `postgres://…`, PostgreSQL 15 or later, migrated. */
  readonly databaseUrl: string;
  /** `postgres://…`, a streaming replica of it: lists, counts and maps are read there while it has everything. */
  readonly databaseReplicaUrl?: string;
  /** `redis://…`, Redis 7 or later. */
  readonly redisUrl: string;
  /** Where the queue of clean-up jobs lives, default `redisUrl`; null for a program that makes no holds. */
  readonly queueRedisUrl?: string | null;
  /** Connections to PostgreSQL, default 10. */
  readonly databasePoolMax?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
}

/**
 * Connects and returns the verbs; disposing closes what this opened. A Redis that is away is done without until it
 * is there.
 *
 * @throws the driver's error when PostgreSQL cannot be reached
 */
export async function openSeatCore(options: OpenSeatCoreOptions): Promise<SeatCore> {
  const { redisUrl, queueRedisUrl = redisUrl } = options;
  const report = (part: string) => reportOnce(options.logger, part);
  const open = (databaseUrl: string, part: string) =>
    openDatabase({
      databaseUrl,
      onConnectionError: report(part),
      ...(options.databasePoolMax === undefined ? {} : { poolMax: options.databasePoolMax }),
      ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
    });
  const database = open(options.databaseUrl, 'postgresql');
  const closers: (() => Promise<unknown>)[] = [() => database.$client.end()];
  // Its connections are made when needed: nobody waits for it at the start.
  const replica =
    options.databaseReplicaUrl === undefined ? undefined : open(options.databaseReplicaUrl, 'replica');
  if (replica !== undefined) closers.push(() => replica.$client.end());
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close();
  };
  try {
    await connectAll(database);
    const [redis, queueRedis] = await Promise.all([
      openRedis({ redisUrl, onConnectionError: report('redis') }),
      queueRedisUrl === null
        ? undefined
        : openQueueRedis({ redisUrl: queueRedisUrl, onConnectionError: report('queue') }),
    ]);
    closers.push(() => closeRedis(redis));
    if (queueRedis !== undefined) closers.push(() => closeRedis(queueRedis));
    const core = createSeatCore({
      ...options,
      database,
      redis,
      ...(queueRedis === undefined ? {} : { queueRedis }),
      ...(replica === undefined ? {} : { replica }),
    });
    closers.push(async () => core[Symbol.asyncDispose]());
    return { ...core, [Symbol.asyncDispose]: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Each attempt to connect again fails with the same words: they are for the log once, until they change. */
function reportOnce(logger: SeatCoreOptions['logger'], part: string): (error: Error) => void {
  let lastWords = '';
  return (err) => {
    const level = err.message === lastWords ? 'debug' : 'warn';
    lastWords = err.message;
    logger?.[level]({ err, part }, 'connection error; it is made again by itself');
  };
}
