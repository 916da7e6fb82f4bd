import type pg from 'pg';
import type { Operation } from '../history.ts';

/** What a run leaves to be judged. Instants are milliseconds since 1970. */
export interface Evidence {
  readonly operations: readonly Operation[];
  readonly bookings: ReadonlyMap<string, BookingRow>;
  readonly seats: ReadonlyMap<string, SeatRow>;
  /** As the transitions themselves recorded them, in no particular order. */
  readonly transitions: readonly Transition[];
  /** When every fault was over and every process answered again; minus infinity without faults. */
  readonly healedAt: number;
  /** When the tables were read. */
  readonly readAt: number;
  readonly holdMs: number;
  readonly maxHeldSeats: number;
}

export interface BookingRow {
  readonly id: string;
  readonly userId: string;
  readonly status: 'PENDING' | 'CONFIRMED' | 'EXPIRED' | 'CANCELLED';
  readonly expiresAt: number;
}

export interface SeatRow {
  readonly id: string;
  readonly status: 'AVAILABLE' | 'RESERVED' | 'SOLD';
  readonly version: number;
}

export interface Transition {
  readonly bookingId: string;
  readonly to: BookingRow['status'];
  readonly cause: string;
  readonly requestId: string | null;
  readonly at: number;
  readonly seatIds: readonly string[];
  readonly versions: readonly number[];
  readonly userId: string | null;
  readonly expiresAt: number | null;
}

/** Reads all rows in one snapshot. */
export async function readTables(
  client: pg.Client,
): Promise<Pick<Evidence, 'bookings' | 'seats' | 'transitions'>> {
  await client.query('begin isolation level repeatable read, read only');
  const ms = (column: string, name: string) => `(extract(epoch from ${column}) * 1000)::float8 as "${name}"`;
  const bookings = await client.query<BookingRow>(
    `select id, user_id as "userId", status, ${ms('expires_at', 'expiresAt')} from bookings`,
  );
  const seats = await client.query<SeatRow>(`select id, status, version::int from seats`);
  const transitions = await client.query<Transition>(
    `select booking_id as "bookingId", to_status as "to", cause, request_id as "requestId", ${ms('at', 'at')},
            seat_ids as "seatIds", seat_versions::int[] as versions, user_id as "userId", ${ms('expires_at', 'expiresAt')}
     from booking_events`,
  );
  await client.query('commit');
  return {
    bookings: new Map(bookings.rows.map((row) => [row.id, row])),
    seats: new Map(seats.rows.map((row) => [row.id, row])),
    transitions: transitions.rows,
  };
}
