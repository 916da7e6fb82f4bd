import { silentLogger, type SeatCoreLogger } from './options.ts';
import { connectAll, openDatabase } from './postgres/pool.ts';
import { closeRedis, openQueueRedis, openRedis } from './redis/connect.ts';
import { checkKeyPrefix } from './redis/keys.ts';
import { requireSupportedRedis } from './redis/server.ts';
import { logOnce } from './resilience/log-once.ts';
import { SeatCore, type SeatCoreOptions } from './seat-core.ts';

export interface OpenSeatCoreOptions extends Omit<
  SeatCoreOptions,
  'database' | 'replica' | 'redis' | 'queueRedis'
> {
  /** `postgres://…`, PostgreSQL 15 or later, migrated. */
  readonly databaseUrl: string;
  /** `postgres://…` of a streaming replica: lists, counts and maps are read there while it is current. */
  readonly databaseReplicaUrl?: string;
  /** `redis://…`, Redis 7 or later. */
  readonly redisUrl: string;
  /** `redis://…` of the clean-up jobs, default `redisUrl`. Null in a program that holds no seats. */
  readonly queueRedisUrl?: string | null;
  /** Connections to PostgreSQL, default 10, at least 4: six tenths for sales, three for reads, one creates events. */
  readonly databasePoolMax?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
}

/**
 * Connects to PostgreSQL and Redis and returns the engine. `close` also closes these connections. A Redis that is down
 * delays nothing: the engine uses it as soon as it is there.
 *
 * @throws the driver's error when PostgreSQL cannot be reached; RedisSetupError when Redis is older than 7, a cluster or
 *   a sentinel; VALIDATION_FAILED for a malformed `redisKeyPrefix`
 * @example
 * const core = await openSeatCore({
 *   databaseUrl: 'postgres://ticketing@127.0.0.1/ticketing',
 *   redisUrl: 'redis://127.0.0.1:6379',
 * });
 * process.once('SIGTERM', () => void core.close());
 */
export async function openSeatCore(options: OpenSeatCoreOptions): Promise<SeatCore> {
  const { redisUrl, queueRedisUrl = redisUrl, logger = silentLogger } = options;
  checkKeyPrefix(options.redisKeyPrefix ?? '');
  const open = (databaseUrl: string, dependency: string) =>
    openDatabase({
      databaseUrl,
      onConnectionError: logConnectionErrors(logger, dependency),
      ...(options.databasePoolMax === undefined ? {} : { poolMax: options.databasePoolMax }),
      ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
    });
  const database = open(options.databaseUrl, 'postgresql');
  const closers: (() => Promise<unknown>)[] = [() => database.$client.end()];
  // Its pool connects on first use: the start does not wait for the replica.
  const replica =
    options.databaseReplicaUrl === undefined ? undefined : open(options.databaseReplicaUrl, 'replica');
  if (replica !== undefined) closers.push(() => replica.$client.end());
  const closeClients = async () => {
    for (const close of closers.toReversed()) await close();
  };
  try {
    await connectAll(database);
    const [redis, queueRedis] = await Promise.all([
      openRedis({ redisUrl, onConnectionError: logConnectionErrors(logger, 'redis') }),
      queueRedisUrl === null
        ? undefined
        : openQueueRedis({
            redisUrl: queueRedisUrl,
            onConnectionError: logConnectionErrors(logger, 'queue'),
          }),
    ]);
    closers.push(() => closeRedis(redis));
    if (queueRedis !== undefined) closers.push(() => closeRedis(queueRedis));
    await requireSupportedRedis(redis, 'REDIS_URL');
    if (queueRedis !== undefined && queueRedisUrl !== redisUrl)
      await requireSupportedRedis(queueRedis, 'QUEUE_REDIS_URL');
    return new SeatCore(
      {
        ...options,
        database,
        redis,
        ...(queueRedis === undefined ? {} : { queueRedis }),
        ...(replica === undefined ? {} : { replica }),
      },
      closeClients,
    );
  } catch (error) {
    await closeClients();
    throw error;
  }
}

/** The client of this dependency reconnects by itself. */
function logConnectionErrors(logger: SeatCoreLogger, dependency: string): (error: Error) => void {
  const message = 'connection error; it reconnects by itself';
  return logOnce(logger, { dependency, message, level: 'warn' }).log;
}
