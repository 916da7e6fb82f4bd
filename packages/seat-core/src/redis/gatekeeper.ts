import type { Redis } from 'ioredis';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { SeatStatus } from '../types.ts';
import { statusKey } from './keys.ts';

/** The value that the status key of a seat should have. AVAILABLE means: no key. */
export type CachedSeat =
  | { readonly seatId: string; readonly status: 'AVAILABLE' | 'SOLD' }
  | { readonly seatId: string; readonly status: 'RESERVED'; readonly expiresAt: Date };

/**
 * The gatekeeper: finds those of the seats that the cache knows as RESERVED or SOLD. An absent key, an unknown value and a
 * Redis that does not answer all mean: ask PostgreSQL.
 */
export async function findCachedTakenSeats(
  { redis, metrics }: { readonly redis: CircuitBreaker<Redis>; readonly metrics: SeatCoreMetrics },
  seatIds: readonly string[],
): Promise<string[]> {
  const replies = await Promise.allSettled(
    seatIds.map((seatId) => redis.run((client) => client.get(statusKey(seatId)))),
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
  redis: Redis,
  seatIds: readonly string[],
): Promise<(string | null)[]> {
  return redis.mget(seatIds.map(statusKey));
}

/**
 * Writes the status key of a seat. SOLD stays until it is deleted; RESERVED ends with its hold at the latest, so a
 * lost delete or a late write cannot block a free seat for ever; AVAILABLE is no key.
 */
export async function cacheSeatStatus(redis: Redis, seat: CachedSeat): Promise<void> {
  const key = statusKey(seat.seatId);
  switch (seat.status) {
    case 'AVAILABLE':
      await redis.del(key);
      return;
    case 'RESERVED':
      await redis.set(key, 'RESERVED' satisfies SeatStatus, 'PXAT', seat.expiresAt.getTime());
      return;
    case 'SOLD':
      await redis.set(key, 'SOLD' satisfies SeatStatus);
  }
}
