/** One request of one client, and what it knows about it. Times are those of `now()`. */
export interface Operation {
  /** The request id that was sent; the engine keeps it with the transition. */
  readonly id: string;
  readonly kind: 'hold' | 'confirm' | 'release';
  readonly userId: string;
  /** The process that was asked. */
  readonly member: string;
  /** Of a hold: the wanted seats, ascending. */
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
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: string;
      readonly text: string;
      readonly isReplay: boolean;
    }
  /** No answer, or one that does not say what happened. */
  | { readonly kind: 'unknown'; readonly why: string; readonly code?: string };

/** The members of a booking that the checks look at. */
export interface BookingAnswer {
  readonly id: string;
  readonly userId: string;
  readonly status: string;
  readonly seats: readonly { readonly id: string; readonly status: string }[];
  readonly createdAt: string;
  readonly expiresAt: string;
}

export function bookingOf(operation: Operation): BookingAnswer | undefined {
  return operation.result.kind === 'done' ? (JSON.parse(operation.result.text) as BookingAnswer) : undefined;
}

/** Something that was seen and must not be. */
export interface Finding {
  /** The check that found it. */
  readonly check: string;
  readonly detail: string;
}
