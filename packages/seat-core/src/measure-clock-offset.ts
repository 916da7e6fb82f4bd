import type { Context } from './context.ts';

/**
 * Compares the clocks of Redis and PostgreSQL: deadlines are kept by the one, status keys end by the other.
 *
 * @returns seconds by which Redis is ahead, right to about the time of a round trip
 */
export async function measureClockOffset({ redis, database, metrics }: Context): Promise<number> {
  const [redisTime, { rows }] = await Promise.all([
    redis.time(),
    database.$client.query<{ now: number }>('select extract(epoch from clock_timestamp())::float8 as now'),
  ]);
  const [seconds, microseconds] = redisTime;
  const offset = Number(seconds) + Number(microseconds) / 1e6 - rows[0]!.now;
  metrics.redisClockOffset.set(offset);
  return offset;
}
