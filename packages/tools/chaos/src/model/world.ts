/** What the engine promises to behave like, without a database, a network or a second caller. */
export interface World {
  /** In units of the model's own; only its order means something. */
  readonly now: number;
  /** How long a PENDING booking holds its seats. */
  readonly holdFor: number;
  readonly seats: Readonly<Record<string, SeatState>>;
  readonly bookings: Readonly<Record<string, BookingState>>;
}

export interface SeatState {
  readonly status: 'AVAILABLE' | 'RESERVED' | 'SOLD';
  readonly version: number;
  /** The booking that has it; null exactly while it is AVAILABLE. */
  readonly holder: string | null;
}

export interface BookingState {
  readonly status: 'PENDING' | 'CONFIRMED' | 'EXPIRED' | 'CANCELLED';
  readonly userId: string;
  readonly seatIds: readonly string[];
  readonly expiresAt: number;
}

export function openWorld(seatIds: readonly string[], holdFor: number): World {
  const free: SeatState = { status: 'AVAILABLE', version: 0, holder: null };
  return { now: 0, holdFor, seats: Object.fromEntries(seatIds.map((id) => [id, free])), bookings: {} };
}

/** PENDING, and its deadline has passed: the engine must treat it as EXPIRED whether or not anybody has cleaned up. */
export function isOverdue(world: World, booking: BookingState): boolean {
  return booking.status === 'PENDING' && booking.expiresAt <= world.now;
}
