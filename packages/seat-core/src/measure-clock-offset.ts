import type { Context } from './options.ts';
import { SeatCoreError } from './errors.ts';
import { readRows, type NamedStatement } from './postgres/statement.ts';

/**
 * Compares the clocks of Redis and PostgreSQL: deadlines are kept by the one, status keys end by the other.
 *
 * @returns seconds by which Redis is ahead, right to about the time of a round trip
 * @throws DEPENDENCY_UNAVAILABLE when one of the two does not answer
 */
export async function measureClockOffset(context: Context): Promise<number> {
  const [redisTime, [row]] = await Promise.all([
    context.redis
      .run((client) => client.time())
      .catch((cause: unknown) => {
        throw new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'Redis does not tell its time', {}, { cause });
      }),
    readRows<{ now: number }>(context, readClock, []),
  ]);
  const [seconds, microseconds] = redisTime;
  const offset = Number(seconds) + Number(microseconds) / 1e6 - row!.now;
  context.metrics.redisClockOffset.set(offset);
  context.clocks.offsetSeconds = offset;
  return offset;
}

const readClock: NamedStatement = {
  name: 'read-clock',
  text: 'select extract(epoch from clock_timestamp())::float8 as now',
};
