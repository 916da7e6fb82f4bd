import { failpoint } from '#failpoint';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

export const expiryQueueName = 'ticket-cleanup';
export const expiryJobName = 'cleanup';

/** What a clean-up job carries: the bookings of one commit, often one. Ids only. */
export interface ExpiryJobData {
  readonly bookings: readonly [ExpiryJobBooking, ...ExpiryJobBooking[]];
}

export interface ExpiryJobBooking {
  readonly bookingId: string;
  readonly seatIds: readonly string[];
}

export type ExpiryQueue = Queue<ExpiryJobData, void, typeof expiryJobName>;

/** @param redis a connection of `openQueueRedis`; closing the queue leaves it open */
export function createExpiryQueue(redis: Redis): ExpiryQueue {
  // By default it asks for the version of Redis once, and is of no use for ever when there was no answer.
  return new Queue(expiryQueueName, {
    connection: redis,
    skipWaitingForReady: true,
    skipVersionCheck: true,
  });
}

/**
 * Adds the delayed job of one commit. It is a hint: the worker asks the database before it expires
 * anything, and the sweep finds what a lost job leaves behind.
 */
export async function scheduleExpiry(
  queue: ExpiryQueue,
  bookings: ExpiryJobData['bookings'],
  holdSeconds: number,
): Promise<void> {
  await queue.add(
    expiryJobName,
    { bookings },
    {
      jobId: `b-${bookings[0].bookingId}`,
      delay: holdSeconds * 1_000,
      attempts: 3,
      backoff: { type: 'exponential', delay: 250, jitter: 0.5 },
      removeOnComplete: true,
      removeOnFail: false,
    },
  );
  failpoint('hold-job-added');
}
