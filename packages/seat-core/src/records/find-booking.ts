import { SeatCoreError } from '../errors.ts';
import type { Connections } from '../postgres/connections.ts';
import type { Booking } from '../types.ts';
import { findBookingStatement } from './find-booking.sql.ts';
import { toBookingView, type BookingRow } from './rows.ts';

/**
 * Reads one booking from PostgreSQL.
 *
 * @param ownerId null to find the booking of any user
 * @throws BOOKING_NOT_FOUND, also for another user's booking
 */
export async function findBooking(
  connections: Connections,
  bookingId: string,
  ownerId: string | null,
): Promise<Booking> {
  const [first, ...rest] = await connections.rows<BookingRow>(findBookingStatement, [bookingId, ownerId]);
  if (first === undefined)
    throw new SeatCoreError('BOOKING_NOT_FOUND', `no booking ${bookingId} for this caller`);
  return toBookingView([first, ...rest]);
}
