import type { Redis } from 'ioredis';
import type { Context } from '../options.ts';
import { forgetAvailableSeats } from '../seats/available-seats.ts';
import { DependencyAwayError } from '../resilience/circuit-breaker.ts';
import { scheduleExpiry, type ExpiryJobBooking } from '../queue/expiry-queue.ts';
import { groupBy } from '../group-by.ts';
import { cacheSeatStatus, type CachedSeat } from '../redis/gatekeeper.ts';
import { withinBudget } from '../resilience/within-budget.ts';

/** A seat as a committed statement left it. */
export type SeatChange = CachedSeat & { readonly eventId: string; readonly version: number };

/** What is published on `seats:changes:<eventId>` after a commit: an array of these. */
export interface PublishedSeatChange {
  readonly id: string;
  readonly status: SeatChange['status'];
  readonly version: number;
}

/**
 * Tells Redis what a commit did: status keys, availability lists, the change message, and the clean-up job
 * for new holds. Sent together, never before the commit. Each of them may fail or come late without a seat
 * being sold twice or stranded; so nothing here is thrown, and no answer waits beyond a short budget.
 */
export async function announceCommit(
  context: Context,
  changes: readonly SeatChange[],
  held: readonly ExpiryJobBooking[] = [],
): Promise<void> {
  const { redis, metrics, logger, expiryQueue, settings } = context;
  const effects: Promise<unknown>[] = [];
  if (changes.length > 0) effects.push(redis.run((client) => tellRedis(client, changes)));
  const [first, ...rest] = held;
  if (first !== undefined && expiryQueue !== null) {
    effects.push(
      expiryQueue.guarded.run((queue) => scheduleExpiry(queue, [first, ...rest], settings.holdSeconds)),
    );
  }
  await withinBudget(
    context,
    Promise.allSettled(effects).then((outcomes) => {
      const reasons = outcomes.flatMap((outcome): unknown[] =>
        outcome.status === 'rejected' ? [outcome.reason] : [],
      );
      if (reasons.length === 0) return;
      metrics.effectsFailed.inc();
      // Of an outage the log tells once, when it begins.
      const news = reasons.find((reason) => !(reason instanceof DependencyAwayError));
      logger[news === undefined ? 'debug' : 'warn'](
        { err: news ?? reasons[0] },
        'effects of a commit failed; sweep and repair make up for them',
      );
    }),
  );
}

async function tellRedis(client: Redis, changes: readonly SeatChange[]): Promise<void> {
  const effects: Promise<unknown>[] = changes.map((change) => cacheSeatStatus(client, change));
  for (const [eventId, changed] of groupBy(changes, (change) => change.eventId)) {
    const message = changed.map(({ seatId, status, version }): PublishedSeatChange => ({
      id: seatId,
      status,
      version,
    }));
    effects.push(forgetAvailableSeats(client, eventId));
    effects.push(client.publish(`seats:changes:${eventId}`, JSON.stringify(message)));
  }
  await Promise.all(effects);
}
