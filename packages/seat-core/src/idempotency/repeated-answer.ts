import type { Context } from '../options.ts';
import { findBooking } from '../bookings/get-booking.ts';
import type { RememberedEffect } from './idempotency.ts';
import type { Booking, SeatStatus } from '../types.ts';

const seatStatusAfter = {
  PENDING: 'RESERVED',
  CONFIRMED: 'SOLD',
  CANCELLED: 'AVAILABLE',
} as const satisfies Record<string, SeatStatus>;

/** What the request whose effect this is was answered. */
export async function replayBooking(
  context: Context,
  effect: RememberedEffect,
  transition: keyof typeof seatStatusAfter,
): Promise<Booking> {
  return asLeftBy(transition, await findBooking(context, { bookingId: effect.booking_id! }));
}

/** A booking as a transition left it, whatever became of it, and of its seats, later. */
export function asLeftBy(transition: keyof typeof seatStatusAfter, booking: Booking): Booking {
  const heldForMs = booking.expiresAt.getTime() - booking.createdAt.getTime();
  return {
    ...booking,
    status: transition,
    seats: booking.seats.map((seat) => ({ ...seat, status: seatStatusAfter[transition] })),
    expiresInSeconds: transition === 'PENDING' ? Math.floor(heldForMs / 1_000) : null,
    confirmedAt: transition === 'CONFIRMED' ? booking.confirmedAt : null,
  };
}
