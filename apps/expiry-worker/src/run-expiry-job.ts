import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import {
  SeatCoreError,
  type ExpireBookingsResult,
  type ExpiryJobData,
  type SeatCore,
} from '@ticketing/seat-core';
import { DelayedError, UnrecoverableError, type Job } from 'bullmq';

const dataSchema = Type.Object({
  bookings: Type.Array(Type.Object({ bookingId: Type.String() }), { minItems: 1 }),
});

/**
 * Ends the holds that a job names, as far as the database says that they are overdue: a job is a hint, and
 * may come early, late, twice, or about a booking that is long paid.
 *
 * @param token what proves to the queue that the job is ours
 * @throws DelayedError when the job was put back until the earliest hold is due; UnrecoverableError when it
 *   can never succeed; any other error to be tried again
 */
export async function runExpiryJob(
  core: SeatCore,
  job: Job<ExpiryJobData>,
  token: string | undefined,
): Promise<ExpireBookingsResult> {
  const result = await core.expireBookings({ bookingIds: readBookingIds(job.data) }).catch(giveUpIfMalformed);
  const { nextDueInMs } = result;
  if (nextDueInMs === null) return result;
  if (nextDueInMs === 0) throw new Error('a hold is overdue, but another transaction is deciding about it');
  await job.moveToDelayed(Date.now() + nextDueInMs, token);
  throw new DelayedError();
}

/** Whoever may write to Redis may add a job, so its data is looked at like any input. */
function readBookingIds(data: unknown): string[] {
  if (!Value.Check(dataSchema, data)) throw new UnrecoverableError('the job does not name its bookings');
  return data.bookings.map(({ bookingId }) => bookingId);
}

function giveUpIfMalformed(error: unknown): never {
  if (error instanceof SeatCoreError && error.code === 'VALIDATION_FAILED') {
    throw new UnrecoverableError(`the job names no booking: ${error.message}`);
  }
  throw error;
}
