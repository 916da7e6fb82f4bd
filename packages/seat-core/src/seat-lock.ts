import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Context } from './context.ts';
import { withinBudget } from './within-budget.ts';

/** The locks of one request's seats, to be given back whatever happened. */
export interface SeatLease {
  /** Deletes each lock that still carries this lease's token; another holder's is left alone. Never rejects. */
  release(): Promise<void>;
}

const seatLockKey = (seatId: string) => `lock:seat:${seatId}`;

/**
 * Locks all seats, or none. The lock saves work, it decides nothing: when Redis cannot answer, the request
 * goes on and PostgreSQL decides. A lock that timed out may have been taken all the same, so the lease of
 * such a request gives back every seat's.
 *
 * @param seatIds in ascending order
 * @returns the lease, or null when somebody else is booking one of the seats
 * @see https://redis.io/docs/latest/commands/set/#patterns (unique token, compare-and-delete)
 */
export async function tryAcquireSeats(
  context: Context,
  seatIds: readonly string[],
  userId: string,
): Promise<SeatLease | null> {
  const { redis, settings, metrics, logger } = context;
  const token = `${userId}:${randomUUID()}`;
  // One pipeline on one connection: the sets arrive in this order, and nobody waits for anybody.
  const replies = await Promise.allSettled(
    seatIds.map((seatId) => redis.set(seatLockKey(seatId), token, 'EX', settings.seatLockSeconds, 'NX')),
  );
  const busy = replies.some((reply) => reply.status === 'fulfilled' && reply.value === null);
  const failed = replies.find((reply) => reply.status === 'rejected');
  const mayBeOurs = seatIds.filter((_, index) => {
    const reply = replies[index];
    return reply?.status === 'rejected' || reply?.value === 'OK';
  });
  const result = busy ? 'busy' : failed === undefined ? 'acquired' : 'error';
  metrics.seatLocks.inc({ result });
  logger.debug({ seatIds, result, err: failed?.reason as unknown }, 'seat lock');
  const release = () => withinBudget(context, releaseLocks(redis, mayBeOurs, token));
  if (busy) {
    await release();
    return null;
  }
  return { release };
}

const compareAndDelete = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

async function releaseLocks(redis: Redis, seatIds: readonly string[], token: string): Promise<void> {
  await Promise.all(seatIds.map((seatId) => redis.eval(compareAndDelete, 1, seatLockKey(seatId), token)));
}
