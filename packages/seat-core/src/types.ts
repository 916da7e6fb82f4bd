/** What the engine shows of its rows. A row itself never leaves seat-core. */

/** An integer of minor units by ISO 4217, and its code: Rp 150,000 is `{ amount: 15000000, currency: 'IDR' }`. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

export const seatStatuses = ['AVAILABLE', 'RESERVED', 'SOLD'] as const;
export type SeatStatus = (typeof seatStatuses)[number];

export function isSeatStatus(value: unknown): value is SeatStatus {
  return (seatStatuses as readonly unknown[]).includes(value);
}

export const bookingStatuses = ['PENDING', 'CONFIRMED', 'EXPIRED', 'CANCELLED'] as const;
export type BookingStatus = (typeof bookingStatuses)[number];

export interface Seat {
  readonly id: string;
  readonly eventId: string;
  readonly section: string;
  readonly row: string;
  /** From 1 within the row. */
  readonly number: number;
  readonly price: Money;
  readonly status: SeatStatus;
}

export interface Booking {
  readonly id: string;
  readonly eventId: string;
  readonly userId: string;
  /** A PENDING booking past its deadline is shown as EXPIRED, whether or not the clean-up has run. */
  readonly status: BookingStatus;
  /** In ascending order of id, each with the price at the moment of booking. */
  readonly seats: readonly Seat[];
  readonly total: Money;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Whole seconds by the database's clock, rounded down; null unless PENDING. */
  readonly expiresInSeconds: number | null;
  readonly confirmedAt: Date | null;
}

export interface EventSection {
  readonly name: string;
  readonly price: Money;
  /** How many rows and how many seats the section has. */
  readonly rows: number;
  readonly seats: number;
}

export interface SeatCounts {
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

export interface TicketedEvent {
  readonly id: string;
  readonly name: string;
  readonly venue: string;
  readonly startsAt: Date;
  /** Seats can be held from then on; null: at any time before the sales close. */
  readonly salesOpenAt: Date | null;
  /** Seats can be held until then: `startsAt` unless the organizer said otherwise. */
  readonly salesCloseAt: Date;
  /** In a list of events empty for an event of more than 50 sections. */
  readonly sections: readonly EventSection[];
  readonly sectionCount: number;
  /** Up to one second old. */
  readonly seatCounts: SeatCounts;
  readonly createdAt: Date;
}

/** A dependency that does not work, or not wholly: the engine goes on, slower or with less safety, or only shows seats. */
export interface DegradedDependency {
  readonly name: 'postgresql' | 'redis' | 'queue' | 'clock' | 'replica';
  readonly status: 'down' | 'misconfigured';
  /** A sentence for an operator: what is wrong, and what follows from it. */
  readonly detail: string;
}
