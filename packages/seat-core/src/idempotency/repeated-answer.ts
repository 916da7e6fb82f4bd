import type { Connections } from '../postgres/connections.ts';
import { findBooking } from '../records/find-booking.ts';
import type { Booking, SeatStatus } from '../types.ts';
import type { RememberedEffect } from './idempotency.ts';

const seatStatusAfter = {
  PENDING: 'RESERVED',
  CONFIRMED: 'SOLD',
  CANCELLED: 'AVAILABLE',
} as const satisfies Record<string, SeatStatus>;

/** Renders the answer that the request with this effect got. */
export async function repeatedAnswer(
  connections: Connections,
  effect: RememberedEffect,
  transition: keyof typeof seatStatusAfter,
): Promise<Booking> {
  return asLeftBy(transition, await findBooking(connections, effect.booking_id!, null));
}

/** A booking as a transition left it, whatever happened to it and to its seats later. */
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
