import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { RedisClient, RedisNames } from './keys.ts';

/** Gives keys that have no end a lifetime: seat-core did not write them, and they would refuse a seat for ever. */
export async function limitLifetimes(
  redis: CircuitBreaker<RedisClient>,
  keysOf: (names: RedisNames) => readonly string[],
  lifetimeMs: number,
): Promise<void> {
  await redis.run(({ connection, names }) =>
    Promise.all(keysOf(names).map((key) => connection.pexpire(key, Math.ceil(lifetimeMs), 'NX'))),
  );
}
