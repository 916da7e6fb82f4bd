import type { Repeatable } from '../idempotency/idempotency.ts';
import { asLeftBy, repeatedAnswer } from '../idempotency/repeated-answer.ts';
import { findBooking } from '../records/find-booking.ts';
import type { Booking } from '../types.ts';
import {
  checkTransitionInput,
  type TransitionBatches,
  type TransitionDependencies,
  type TransitionInput,
} from './commit-transitions.ts';
import { refuseTransition } from './refuse-transition.ts';

/** PENDING → CANCELLED, its seats AVAILABLE. @see SeatCore.releaseBooking */
export async function releaseBooking(
  dependencies: TransitionDependencies & { readonly batches: TransitionBatches },
  input: TransitionInput,
): Promise<Repeatable<Booking>> {
  const { connections, batches, idempotency } = dependencies;
  const request = checkTransitionInput('releaseBooking', input);
  const release = async () => {
    const { booking: released, published } = await batches.submit(request);
    if (released !== null) {
      await published;
      return released;
    }
    const booking = await findBooking(connections, request.bookingId, request.ownerId);
    // A seat of the booking may be another user's by now; the answer shows the seats as the release left them.
    if (booking.status === 'CANCELLED') return asLeftBy('CANCELLED', booking);
    throw refuseTransition(booking.status);
  };
  return idempotency.run(request.key, release, (effect) => repeatedAnswer(connections, effect, 'CANCELLED'));
}
