import type { Seat, SeatStatus } from '../types.ts';

/** Where a seat is and what it costs, as the statements return it. */
export interface SeatPlaceRow {
  readonly event_id: string;
  readonly section: string;
  readonly row: string;
  readonly number: number;
  /** bigint columns arrive as text */
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
