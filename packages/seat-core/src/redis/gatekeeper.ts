import type { SeatCoreMetrics } from '../metrics.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { SeatStatus } from '../types.ts';
import type { RedisClient } from './keys.ts';

/** The value that the status key of a seat should have. AVAILABLE means: no key. */
export type CachedSeat =
  | { readonly seatId: string; readonly status: 'AVAILABLE' | 'SOLD' }
  | { readonly seatId: string; readonly status: 'RESERVED'; readonly expiresAt: Date };

/**
 * The gatekeeper: finds those of the seats that the cache knows as RESERVED or SOLD. An absent key, an unknown value and a
 * Redis that does not answer all mean: ask PostgreSQL.
 */
export async function findCachedTakenSeats(
  { redis, metrics }: { readonly redis: CircuitBreaker<RedisClient>; readonly metrics: SeatCoreMetrics },
  seatIds: readonly string[],
): Promise<string[]> {
  const replies = await Promise.allSettled(
    seatIds.map((seatId) => redis.run(({ connection, names }) => connection.get(names.status(seatId)))),
  );
  const taken: string[] = [];
  for (const [index, reply] of replies.entries()) {
    const isTaken = reply.status === 'fulfilled' && (reply.value === 'RESERVED' || reply.value === 'SOLD');
    if (isTaken) taken.push(seatIds[index]!);
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
