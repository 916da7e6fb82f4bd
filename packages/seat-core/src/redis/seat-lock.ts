import { randomUUID } from 'node:crypto';
import { ReplyError } from 'ioredis';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import type { Background } from '../resilience/background.ts';
import { CircuitOpenError, type CircuitBreaker } from '../resilience/circuit-breaker.ts';
import { compareAndDelete } from './compare-and-delete.ts';
import type { RedisClient, RedisNames } from './keys.ts';
import { limitLifetimes } from './limit-lifetimes.ts';

/** The locks of one request's seats, to be released whatever happened. */
export interface SeatLease {
  /** Deletes each lock that still carries this lease's token; another holder's lock stays. Never rejects. */
  release(): Promise<void>;
}

export interface SeatLockDependencies {
  readonly redis: CircuitBreaker<RedisClient>;
  readonly seatLockSeconds: number;
  readonly background: Background;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
}

export interface SeatLockRequest {
  /** In ascending order. */
  readonly seatIds: readonly string[];
  readonly userId: string;
  /** The same for all requests with one idempotency key, empty without a key. */
  readonly keyTag: string;
}

/**
 * Locks all seats or none. The lock saves work and decides nothing: when Redis cannot answer, the request goes on
 * without a lock and PostgreSQL decides.
 *
 * A SET that timed out may still run later. So the lease releases that seat's lock, too: on the same connection, so
 * Redis runs SET before DEL.
 *
 * @returns the lease; `duplicate` when a request with the same idempotency key holds one of the locks, `busy` when
 *   any other request does
 * @see https://redis.io/docs/latest/commands/set/#patterns (unique token, compare-and-delete)
 */
export async function tryLockSeats(
  { redis, seatLockSeconds, background, metrics, logger }: SeatLockDependencies,
  { seatIds, userId, keyTag }: SeatLockRequest,
): Promise<SeatLease | 'busy' | 'duplicate'> {
  const token = `${userId}:${keyTag}${randomUUID()}`;
  // One pipeline on one connection: the SETs arrive in this order, and none waits for another's answer.
  const replies = await Promise.allSettled(
    seatIds.map((seatId) =>
      // With GET the reply is the present holder, or null when there was none and the lock is ours.
      redis.run(({ connection, names }) =>
        connection.set(names.seatLock(seatId), token, 'EX', seatLockSeconds, 'NX', 'GET'),
      ),
    ),
  );
  const holders = replies.flatMap((reply) => (reply.status === 'fulfilled' ? (reply.value ?? []) : []));
  const failed = replies.find((reply) => reply.status === 'rejected');
  const mayBeOurs = seatIds.filter((_, index) => {
    const reply = replies[index];
    return reply?.status === 'rejected' ? !(reply.reason instanceof CircuitOpenError) : reply?.value === null;
  });
  const isBusy = holders.length > 0;
  const foreign = seatIds.filter((_, index) => {
    const reply = replies[index];
    return reply?.status === 'rejected' ? reply.reason instanceof ReplyError : reply?.value !== null;
  });
  if (foreign.length > 0) {
    const locks = (names: RedisNames) => foreign.map((seatId) => names.seatLock(seatId));
    void background.withinBudget(limitLifetimes(redis, locks, seatLockSeconds * 1_000));
  }
  const result = isBusy ? 'busy' : failed === undefined ? 'acquired' : 'error';
  metrics.seatLocks.inc({ result });
  logger.debug({ seatIds, result, err: failed?.reason as unknown }, 'seat lock');
  const release = async () => {
    if (mayBeOurs.length === 0) return;
    const releasing = (client: RedisClient) => releaseLocks(client, mayBeOurs, token);
    const released = background.withinBudget(redis.isOpen ? releasing(redis.client) : redis.run(releasing));
    // After a failure of Redis this request waits for it no more.
    if (!redis.isOpen) await released;
  };
  if (isBusy) {
    await release();
    const isDuplicate = (holder: string) => keyTag !== '' && holder.startsWith(`${userId}:${keyTag}`);
    return holders.some(isDuplicate) ? 'duplicate' : 'busy';
  }
  return { release };
}

async function releaseLocks(
  { connection, names }: RedisClient,
  seatIds: readonly string[],
  token: string,
): Promise<void> {
  await Promise.all(
    seatIds.map((seatId) => connection.eval(compareAndDelete, 1, names.seatLock(seatId), token)),
  );
}
