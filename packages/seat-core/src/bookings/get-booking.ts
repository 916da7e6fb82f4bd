import { toBookingView, type BookingRow } from '../records/booking-rows.ts';
import type { Context } from '../options.ts';
import { SeatCoreError } from '../errors.ts';
import { findBookingStatement, findLiveBookingsStatement } from '../records/find-booking.sql.ts';
import { groupBy } from '../group-by.ts';
import { InputCheck } from '../validation.ts';
import { readRows } from '../postgres/statement.ts';
import type { Booking } from '../types.ts';

export interface GetBookingInput {
  readonly bookingId: string;
  /** When given, only a booking of this user is seen; any other is BOOKING_NOT_FOUND. */
  readonly ownedBy?: string;
}

export interface ListLiveBookingsInput {
  readonly eventId: string;
  readonly userId: string;
}

/** How many live bookings one list shows at most, newest first. */
const liveBookingsShown = 100;

/** One booking, read from the database. @throws BOOKING_NOT_FOUND, VALIDATION_FAILED */
export async function findBooking(context: Context, input: GetBookingInput): Promise<Booking> {
  const check = new InputCheck();
  const bookingId = check.id('/bookingId', input.bookingId);
  check.throwIfAny();
  const rows = await readRows<BookingRow>(context, findBookingStatement, [bookingId, input.ownedBy ?? null]);
  const [first, ...rest] = rows;
  if (first === undefined) throw new SeatCoreError('BOOKING_NOT_FOUND', `no booking ${bookingId} to be seen`);
  return toBookingView([first, ...rest]);
}

export async function listLiveBookings(context: Context, input: ListLiveBookingsInput): Promise<Booking[]> {
  const check = new InputCheck();
  const eventId = check.id('/eventId', input.eventId);
  const userId = check.userId('/userId', input.userId);
  check.throwIfAny();
  const rows = await readRows<BookingRow>(context, findLiveBookingsStatement, [
    eventId,
    userId,
    liveBookingsShown,
  ]);
  return [...groupBy(rows, (row) => row.id).values()].map(toBookingView);
}
