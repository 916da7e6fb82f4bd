import type { Redis } from 'ioredis';
import type { Context } from '../options.ts';
import type { SeatStatus } from '../types.ts';

const statusKey = (seatId: string) => `status:seat:${seatId}`;

/** What a seat's key should say. */
export type CachedSeat =
  | { readonly seatId: string; readonly status: 'AVAILABLE' | 'SOLD' }
  | { readonly seatId: string; readonly status: 'RESERVED'; readonly expiresAt: Date };

/**
 * The gatekeeper: the seats that the cache knows as RESERVED or SOLD. An absent key, a value it does not
 * know and a Redis that does not answer all mean: ask the database.
 */
export async function findCachedTakenSeats(context: Context, seatIds: readonly string[]): Promise<string[]> {
  const replies = await Promise.allSettled(
    seatIds.map((seatId) => context.redis.run((client) => client.get(statusKey(seatId)))),
  );
  const taken: string[] = [];
  for (const [index, reply] of replies.entries()) {
    const isTaken = reply.status === 'fulfilled' && (reply.value === 'RESERVED' || reply.value === 'SOLD');
    if (isTaken) taken.push(seatIds[index]!);
    context.metrics.seatStatusCache.inc({
      result: reply.status === 'rejected' ? 'error' : isTaken ? 'hit' : 'miss',
    });
  }
  return taken;
}

/** The statuses that the keys hold now, in the order of the ids; null where there is no key. */
export async function readCachedStatuses(
  redis: Redis,
  seatIds: readonly string[],
): Promise<(string | null)[]> {
  return redis.mget(seatIds.map(statusKey));
}

/**
 * Writes what a seat is: SOLD stays until it is deleted by hand; RESERVED ends with its hold at the latest,
 * so that a lost delete or a late write cannot block a free seat for ever; AVAILABLE is no key.
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
