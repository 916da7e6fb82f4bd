import type { Booking, BookingStatus, Seat, SeatStatus } from '../types.ts';

/* Rows as the statements return them, and what callers get instead: a row itself never leaves seat-core. */

/** Where a seat is and what it costs. */
export interface SeatPlaceRow {
  readonly event_id: string;
  readonly section: string;
  readonly row: string;
  readonly number: number;
  /** bigint arrives as text. */
  readonly price_amount: string;
  readonly currency: string;
}

export interface SeatRow extends SeatPlaceRow {
  readonly id: string;
}

export function toSeatView(id: string, row: SeatPlaceRow, status: SeatStatus): Seat {
  return {
    id,
    eventId: row.event_id,
    section: row.section,
    row: row.row,
    number: row.number,
    price: { amount: Number(row.price_amount), currency: row.currency },
    status,
  };
}

/** A row of the statements that return bookings: one per seat, the booking's columns repeated. */
export interface BookingRow extends SeatPlaceRow {
  readonly id: string;
  readonly user_id: string;
  readonly status: BookingStatus;
  /** bigint arrives as text. */
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
