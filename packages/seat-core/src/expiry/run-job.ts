import { DelayedError, UnrecoverableError, type Job } from 'bullmq';
import { SeatCoreError } from '../errors.ts';
import type { ExpiryJobData } from '../queue/expiry-queue.ts';
import type { ExpireBookingsResult } from './expire-bookings.ts';

export type ExpireBookings = (input: {
  readonly bookingIds: readonly string[];
}) => Promise<ExpireBookingsResult>;

/**
 * Expires the bookings that a job names, as far as PostgreSQL finds them overdue. A job is a hint: it may come early,
 * late, twice, or for a booking that was confirmed long ago.
 *
 * @param token proves to the queue that this worker has the job
 * @throws DelayedError when the job was put back until the earliest hold is due; UnrecoverableError when the job can
 *   never succeed; any other error for another attempt
 */
export async function runExpiryJob(
  expireBookings: ExpireBookings,
  job: Job<ExpiryJobData>,
  token: string | undefined,
): Promise<ExpireBookingsResult> {
  const result = await expireBookings({ bookingIds: readBookingIds(job.data) }).catch(giveUpIfMalformed);
  const { nextDueInMs } = result;
  if (nextDueInMs === null) return result;
  if (nextDueInMs === 0) throw new Error('a hold is overdue, but another transaction has locked its booking');
  await job.moveToDelayed(Date.now() + nextDueInMs, token);
  throw new DelayedError();
}

/** Any program that can write to Redis can add a job, so its data is checked like any input. */
function readBookingIds(data: unknown): string[] {
  const bookings = (data as Partial<ExpiryJobData> | null | undefined)?.bookings as unknown;
  if (!Array.isArray(bookings) || bookings.length === 0) {
    throw new UnrecoverableError('the job does not name its bookings');
  }
  return bookings.map((booking: unknown) => {
    const { bookingId } = (booking ?? {}) as { readonly bookingId?: unknown };
    if (typeof bookingId !== 'string') throw new UnrecoverableError('the job does not name its bookings');
    return bookingId;
  });
}

function giveUpIfMalformed(error: unknown): never {
  if (error instanceof SeatCoreError && error.is('VALIDATION_FAILED')) {
    throw new UnrecoverableError(`the job names no booking: ${error.message}`);
  }
  throw error;
}
