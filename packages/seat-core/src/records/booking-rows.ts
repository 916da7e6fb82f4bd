import { toSeatView, type SeatPlaceRow } from './seat-rows.ts';
import type { Booking, BookingStatus, SeatStatus } from '../types.ts';

/** A row of the statements that return bookings: one per seat, the booking's columns repeated. */
export interface BookingRow extends SeatPlaceRow {
  readonly id: string;
  readonly user_id: string;
  readonly status: BookingStatus;
  /** bigint columns arrive as text */
  readonly total_amount: string;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly confirmed_at: Date | null;
  readonly expires_in_seconds: number | null;
  readonly seat_id: string;
  readonly seat_status: SeatStatus;
  readonly seat_version: string;
  /** The statement's moment by the database's clock. */
  readonly at: Date;
}

export function toBookingView(rows: readonly [BookingRow, ...BookingRow[]]): Booking {
  const [first] = rows;
  return {
    id: first.id,
    eventId: first.event_id,
    userId: first.user_id,
    status: first.status,
    seats: rows.map((row) => toSeatView(row.seat_id, row, row.seat_status)),
    total: { amount: Number(first.total_amount), currency: first.currency },
    createdAt: first.created_at,
    expiresAt: first.expires_at,
    expiresInSeconds: first.expires_in_seconds,
    confirmedAt: first.confirmed_at,
  };
}
