/**
 * Milliseconds since 1970 that never go back. One process records all histories with this clock. PostgreSQL runs on the
 * same machine, so its instants compare with these to within a few milliseconds.
 */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** One request of one client, and what the client knows about it. Instants are those of `now()`. */
export interface Operation {
  /** The request id that was sent; the engine stores it with the transition. */
  readonly id: string;
  readonly kind: 'hold' | 'confirm' | 'release';
  readonly userId: string;
  /** The process that got the request. */
  readonly member: string;
  /** Of a hold: the requested seats, ascending. */
  readonly seatIds: readonly string[];
  /** Of a confirmation or release. */
  readonly bookingId: string | undefined;
  readonly key: string | undefined;
  readonly invokedAt: number;
  /** Infinity for an answer that never came: the request may have its effect at any later time. */
  readonly completedAt: number;
  readonly result: OperationResult;
}

export type OperationResult =
  | { readonly kind: 'done'; readonly status: number; readonly text: string; readonly isReplay: boolean }
  /** The engine says that there was no effect. */
  | { readonly kind: 'refused'; readonly code: string; readonly isReplay: boolean }
  /** No answer, or an answer that does not say what happened. */
  | { readonly kind: 'unknown'; readonly why: string; readonly code?: string };

/** The members of a booking that the checks read. */
export interface BookingAnswer {
  readonly id: string;
  readonly eventId: string;
  readonly userId: string;
  readonly status: string;
  readonly seats: readonly { readonly id: string }[];
  readonly expiresAt: string;
}

export function bookingOf({ result }: Operation): BookingAnswer | undefined {
  return result.kind === 'done' ? (JSON.parse(result.text) as BookingAnswer) : undefined;
}

/** A broken promise. */
export interface Finding {
  /** The check that found it. */
  readonly check: string;
  readonly detail: string;
}
