import { groupBy } from '../group-by.ts';
import type { Connections } from '../postgres/connections.ts';
import { findBooking } from '../records/find-booking.ts';
import { findLiveBookingsStatement } from '../records/find-booking.sql.ts';
import { checkOwner, type Owner } from '../records/ownership.ts';
import { toBookingView, type BookingRow } from '../records/rows.ts';
import type { Booking } from '../types.ts';
import { InputCheck } from '../validation.ts';

export interface GetBookingInput {
  readonly bookingId: string;
  /** The user whose booking it must be, else it is BOOKING_NOT_FOUND; or `anyone`. */
  readonly ownedBy: Owner;
}

export interface ListLiveBookingsInput {
  readonly eventId: string;
  readonly userId: string;
}

/** How many live bookings one list has at most, newest first. */
const maxLiveBookings = 100;

/** @see SeatCore.getBooking */
export async function getBooking(connections: Connections, input: GetBookingInput): Promise<Booking> {
  const check = new InputCheck(input);
  const bookingId = check.id('/bookingId', input.bookingId);
  const ownerId = checkOwner(check, input.ownedBy);
  check.throwIfAny();
  return findBooking(connections, bookingId, ownerId);
}

/** @see SeatCore.listLiveBookings */
export async function listLiveBookings(
  connections: Connections,
  input: ListLiveBookingsInput,
): Promise<Booking[]> {
  const check = new InputCheck(input);
  const eventId = check.id('/eventId', input.eventId);
  const userId = check.userId('/userId', input.userId);
  check.throwIfAny();
  const values = [eventId, userId, maxLiveBookings];
  const rows = await connections.rows<BookingRow>(findLiveBookingsStatement, values);
  return [...groupBy(rows, (row) => row.id).values()].map(toBookingView);
}
