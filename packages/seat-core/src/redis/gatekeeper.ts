import { randomInt } from 'node:crypto';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { SeatStatus } from '../types.ts';
import type { Background } from '../resilience/background.ts';
import type { RedisClient, RedisNames } from './keys.ts';
import { limitLifetimes } from './limit-lifetimes.ts';

/** The value that the status key of a seat should have. AVAILABLE means: no key. */
export type CachedSeat =
  | { readonly seatId: string; readonly status: 'AVAILABLE' | 'SOLD' }
  | { readonly seatId: string; readonly status: 'RESERVED'; readonly expiresAt: Date };

export interface GatekeeperDependencies {
  readonly redis: CircuitBreaker<RedisClient>;
  readonly settings: { readonly holdSeconds: number };
  readonly background: Background;
  readonly metrics: SeatCoreMetrics;
}

/** How many hits cost a look at the lifetime of the key: a crowd's refusals must stay cheap. */
const hitsPerLook = 16;

/**
 * The gatekeeper: finds those of the seats that the cache knows as RESERVED or SOLD. An absent key, an unknown value and a
 * Redis that does not answer all mean: ask PostgreSQL.
 */
export async function findCachedTakenSeats(
  { redis, settings, background, metrics }: GatekeeperDependencies,
  seatIds: readonly string[],
): Promise<string[]> {
  const replies = await Promise.allSettled(
    seatIds.map((seatId) => redis.run(({ connection, names }) => connection.get(names.status(seatId)))),
  );
  const taken: string[] = [];
  for (const [index, reply] of replies.entries()) {
    const isTaken = reply.status === 'fulfilled' && (reply.value === 'RESERVED' || reply.value === 'SOLD');
    if (isTaken) taken.push(seatIds[index]!);
    // SOLD has no end; RESERVED ends with its hold.
    if (reply.status === 'fulfilled' && reply.value === 'RESERVED' && randomInt(hitsPerLook) === 0) {
      const key = (names: RedisNames) => [names.status(seatIds[index]!)];
      void background.withinBudget(limitLifetimes(redis, key, settings.holdSeconds * 1_000));
    }
    metrics.seatStatusCache.inc({
      result: reply.status === 'rejected' ? 'error' : isTaken ? 'hit' : 'miss',
    });
  }
  return taken;
}

/** The present values of the status keys, in the order of the ids; null where there is no key. */
export async function readCachedStatuses(
  { connection, names }: RedisClient,
  seatIds: readonly string[],
): Promise<(string | null)[]> {
  return connection.mget(seatIds.map((seatId) => names.status(seatId)));
}

/**
 * Writes the status key of a seat. SOLD stays until it is deleted; RESERVED ends with its hold at the latest, so a
 * lost delete or a late write cannot block a free seat for ever; AVAILABLE is no key.
 */
export async function cacheSeatStatus({ connection, names }: RedisClient, seat: CachedSeat): Promise<void> {
  const key = names.status(seat.seatId);
  switch (seat.status) {
    case 'AVAILABLE':
      await connection.del(key);
      return;
    case 'RESERVED':
      await connection.set(key, 'RESERVED' satisfies SeatStatus, 'PXAT', seat.expiresAt.getTime());
      return;
    case 'SOLD':
      await connection.set(key, 'SOLD' satisfies SeatStatus);
  }
}
