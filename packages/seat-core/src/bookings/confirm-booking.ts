import { failpoint } from '#failpoint';
import { SeatCoreError } from '../errors.ts';
import type { Repeatable } from '../idempotency/idempotency.ts';
import { repeatedAnswer } from '../idempotency/repeated-answer.ts';
import { findBooking } from '../records/find-booking.ts';
import type { Booking } from '../types.ts';
import {
  checkTransitionInput,
  type TransitionBatches,
  type TransitionDependencies,
  type TransitionInput,
} from './commit-transitions.ts';
import { refuseTransition } from './refuse-transition.ts';

/** PENDING → CONFIRMED, its seats SOLD. @see SeatCore.confirmBooking */
export async function confirmBooking(
  dependencies: TransitionDependencies & { readonly batches: TransitionBatches },
  input: TransitionInput,
): Promise<Repeatable<Booking>> {
  const { connections, batches, idempotency, metrics } = dependencies;
  const request = checkTransitionInput('confirmBooking', input);
  const confirm = async () => {
    failpoint('confirm-started');
    const { booking: confirmed, published } = await batches.submit(request);
    if (confirmed !== null) {
      metrics.ticketsSold.inc(confirmed.seats.length);
      await published;
      failpoint('confirm-done');
      return confirmed;
    }
    const booking = await findBooking(connections, request.bookingId, request.ownerId);
    if (booking.status === 'CONFIRMED') return booking;
    if (booking.status === 'EXPIRED') throw new SeatCoreError('BOOKING_EXPIRED', 'the hold has expired');
    throw refuseTransition(booking.status);
  };
  return idempotency.run(request.key, confirm, (effect) => repeatedAnswer(connections, effect, 'CONFIRMED'));
}
