import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Context } from '../options.ts';
import { compareAndDelete } from './compare-and-delete.ts';
import { DependencyAwayError } from '../resilience/circuit-breaker.ts';
import type { IdempotencyKey } from '../idempotency/idempotency.ts';
import { withinBudget } from '../resilience/within-budget.ts';

/** The locks of one request's seats, to be given back whatever happened. */
export interface SeatLease {
  /** Deletes each lock that still carries this lease's token; another holder's is left alone. Never rejects. */
  release(): Promise<void>;
}

/** Tells the locks of requests with one idempotency key from all others. */
const tagOf = (key: IdempotencyKey) => key.id.toString('hex', 0, 8);

const seatLockKey = (seatId: string) => `lock:seat:${seatId}`;

/**
 * Locks all seats, or none. The lock saves work, it decides nothing: when Redis cannot answer, the request
 * goes on and PostgreSQL decides. A lock that timed out may have been taken all the same, so the lease of
 * such a request gives back every seat's: behind the lock, on the same connection, so that a Redis that was
 * frozen meets the two in this order.
 *
 * @param seatIds in ascending order
 * @returns the lease; `twin` when a request with the same idempotency key has one of the seats, `busy` when
 *   any other has
 * @see https://redis.io/docs/latest/commands/set/#patterns (unique token, compare-and-delete)
 */
export async function tryAcquireSeats(
  context: Context,
  seatIds: readonly string[],
  userId: string,
  key: IdempotencyKey | null,
): Promise<SeatLease | 'busy' | 'twin'> {
  const { redis, settings, metrics, logger } = context;
  const tag = key === null ? '' : tagOf(key);
  const token = `${userId}:${tag}${randomUUID()}`;
  // One pipeline on one connection: the sets arrive in this order, and nobody waits for anybody.
  const replies = await Promise.allSettled(
    seatIds.map((seatId) =>
      // With GET the answer is the holder, or null when there was none and the lock is ours.
      redis.run((client) =>
        client.set(seatLockKey(seatId), token, 'EX', settings.seatLockSeconds, 'NX', 'GET'),
      ),
    ),
  );
  const holders = replies.flatMap((reply) => (reply.status === 'fulfilled' ? (reply.value ?? []) : []));
  const failed = replies.find((reply) => reply.status === 'rejected');
  const mayBeOurs = seatIds.filter((_, index) => {
    const reply = replies[index];
    return reply?.status === 'rejected'
      ? !(reply.reason instanceof DependencyAwayError)
      : reply?.value === null;
  });
  const isBusy = holders.length > 0;
  const result = isBusy ? 'busy' : failed === undefined ? 'acquired' : 'error';
  metrics.seatLocks.inc({ result });
  logger.debug({ seatIds, result, err: failed?.reason as unknown }, 'seat lock');
  const release = async () => {
    if (mayBeOurs.length === 0) return;
    const released = withinBudget(context, releaseLocks(redis.client, mayBeOurs, token));
    // Once Redis failed, nothing of this request waits for it any more.
    if (!redis.isAway) await released;
  };
  if (isBusy) {
    await release();
    const isTwin = (holder: string) => key !== null && holder.startsWith(`${userId}:${tag}`);
    return holders.some(isTwin) ? 'twin' : 'busy';
  }
  return { release };
}

async function releaseLocks(redis: Redis, seatIds: readonly string[], token: string): Promise<void> {
  await Promise.all(seatIds.map((seatId) => redis.eval(compareAndDelete, 1, seatLockKey(seatId), token)));
}
