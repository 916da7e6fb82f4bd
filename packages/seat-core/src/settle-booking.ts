import { toBookingView, type BookingRow } from './booking-rows.ts';
import type { Context } from './context.ts';
import { SeatCoreError } from './errors.ts';
import { findBooking } from './get-booking.ts';
import { groupBy } from './group-by.ts';
import { InputCheck } from './input.ts';
import { announceCommit, type SeatChange } from './seat-changes.ts';
import { confirmBookingsStatement, releaseBookingsStatement } from './settle-bookings.sql.ts';
import { runStatement, type NamedStatement } from './statement.ts';
import type { Booking } from './views.ts';

export interface SettleBookingInput {
  readonly bookingId: string;
  /** When given, only a booking of this user is seen; any other is BOOKING_NOT_FOUND. */
  readonly ownedBy?: string;
  /** Who asks, for the history: a user id or the name of a service. */
  readonly actor: string;
  readonly requestId?: string;
}

/** PENDING → CONFIRMED, its seats SOLD. */
export async function confirmBooking(context: Context, input: SettleBookingInput): Promise<Booking> {
  const settled = await settle(context, confirmBookingsStatement, input);
  if (settled !== null) {
    context.metrics.ticketsSold.inc(settled.seats.length);
    return settled;
  }
  const booking = await findBooking(context, input);
  if (booking.status === 'CONFIRMED') return booking;
  if (booking.status === 'EXPIRED') throw new SeatCoreError('BOOKING_EXPIRED', 'the hold has ended');
  throw refusalFor(booking);
}

/** PENDING → CANCELLED, its seats AVAILABLE. */
export async function releaseBooking(context: Context, input: SettleBookingInput): Promise<Booking> {
  const settled = await settle(context, releaseBookingsStatement, input);
  if (settled !== null) return settled;
  const booking = await findBooking(context, input);
  if (booking.status === 'CANCELLED') return booking;
  throw refusalFor(booking);
}

async function settle(
  context: Context,
  statement: NamedStatement,
  input: SettleBookingInput,
): Promise<Booking | null> {
  const check = new InputCheck();
  const bookingId = check.id('/bookingId', input.bookingId);
  check.throwIfAny();
  const rows = await runStatement<BookingRow>(context.database, statement, [
    [bookingId],
    [input.ownedBy ?? null],
    [input.actor],
    [input.requestId ?? null],
  ]);
  await announceCommit(context, rows.map(toSettledChange));
  const [booking] = [...groupBy(rows, (row) => row.id).values()].map(toBookingView);
  return booking ?? null;
}

/** How a seat of a settled booking stands: SOLD or AVAILABLE, never RESERVED. */
export function toSettledChange(row: BookingRow): SeatChange {
  return {
    seatId: row.seat_id,
    eventId: row.event_id,
    version: Number(row.seat_version),
    status: row.seat_status === 'SOLD' ? 'SOLD' : 'AVAILABLE',
  };
}

function refusalFor({ status }: Booking): SeatCoreError {
  // Only a settlement that finished between our statement and our look leaves PENDING here: ask again.
  if (status === 'PENDING') return new SeatCoreError('SEAT_LOCKED', 'the booking is being settled');
  return new SeatCoreError('BOOKING_NOT_PENDING', `the booking is ${status}`, { bookingStatus: status });
}
