import { SeatCoreError } from '../errors.ts';
import type { BookingStatus } from '../types.ts';

/** The error for a booking that a transition did not find PENDING. */
export function refuseTransition(status: BookingStatus): SeatCoreError {
  // PENDING only when another transaction ended between our statement and our read: the caller may try again.
  if (status === 'PENDING')
    return new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'another transaction changed the booking meanwhile');
  return new SeatCoreError('BOOKING_NOT_PENDING', `the booking is ${status}`, { bookingStatus: status });
}
