import { groupBy } from '../group-by.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import { scheduleExpiry, type ExpiryJobBooking, type GuardedQueue } from '../queue/expiry-queue.ts';
import type { BookingRow } from '../records/rows.ts';
import { dropAvailableLists } from '../redis/available-lists.ts';
import { cacheSeatStatuses, type CachedSeat } from '../redis/gatekeeper.ts';
import type { RedisClient } from '../redis/keys.ts';
import { publishSeatChanges, type PublishedSeatChange } from '../redis/pubsub.ts';
import type { Background } from '../resilience/background.ts';
import { isLoggedByCircuit, type CircuitBreaker } from '../resilience/circuit-breaker.ts';

/** A seat as a committed statement left it. */
export type SeatChange = CachedSeat & { readonly eventId: string; readonly version: number };

export interface PublishDependencies {
  readonly redis: CircuitBreaker<RedisClient>;
  /** Null in a program that makes no holds. */
  readonly queue: GuardedQueue | null;
  readonly holdSeconds: number;
  readonly background: Background;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
}

/**
 * Publishes a commit to Redis: status keys, lists of free seats, the change message, and the clean-up job of new
 * holds. All of it is sent together and never before the commit. Each of them may fail or come late without a seat
 * being sold twice or stranded, so this never throws, and the answer waits 250 ms at most.
 */
export async function publishCommit(
  { redis, queue, holdSeconds, background, metrics, logger }: PublishDependencies,
  changes: readonly SeatChange[],
  held: readonly ExpiryJobBooking[] = [],
): Promise<void> {
  const effects: Promise<unknown>[] = [];
  if (changes.length > 0) effects.push(redis.run((client) => writeChanges(client, changes)));
  const [first, ...rest] = held;
  if (first !== undefined && queue !== null) {
    effects.push(queue.breaker.run((client) => scheduleExpiry(client, [first, ...rest], holdSeconds)));
  }
  await background.withinBudget(
    Promise.allSettled(effects).then((outcomes) => {
      const reasons = outcomes.flatMap((outcome): unknown[] =>
        outcome.status === 'rejected' ? [outcome.reason] : [],
      );
      if (reasons.length === 0) return;
      metrics.effectsFailed.inc();
      // The circuit breaker logs an outage once, when its circuit opens.
      const failure = reasons.find((reason) => !isLoggedByCircuit(reason));
      logger[failure === undefined ? 'debug' : 'warn'](
        { err: failure ?? reasons[0] },
        'publishing a commit to Redis failed; sweep and cache repair recover from it',
      );
    }),
  );
}

/** The change of a seat whose booking was confirmed, released or expired: SOLD or AVAILABLE, never RESERVED. */
export function toTransitionChange(row: BookingRow): SeatChange {
  return {
    seatId: row.seat_id,
    eventId: row.event_id,
    version: Number(row.seat_version),
    status: row.seat_status === 'SOLD' ? 'SOLD' : 'AVAILABLE',
  };
}

async function writeChanges(redis: RedisClient, changes: readonly SeatChange[]): Promise<void> {
  const writes: Promise<unknown>[] = [cacheSeatStatuses(redis, changes)];
  for (const [eventId, changed] of groupBy(changes, (change) => change.eventId)) {
    const message = changed.map(({ seatId, status, version }): PublishedSeatChange => ({
      id: seatId,
      status,
      version,
    }));
    writes.push(dropAvailableLists(redis, eventId));
    writes.push(publishSeatChanges(redis, eventId, message));
  }
  await Promise.all(writes);
}
