/**
 * Every way in which seat-core refuses, as one closed union. A new code does not compile until each
 * service says what HTTP status and sentences it has.
 */
export const seatErrorCodes = [
  /** The input itself is wrong: malformed, out of bounds, duplicate seats, seats of two events. */
  'VALIDATION_FAILED',
  /** A wanted seat is RESERVED or SOLD; unlike SEAT_LOCKED, waiting a moment will not help. */
  'SEAT_TAKEN',
  /** Another request is deciding about a wanted seat this moment; try again. */
  'SEAT_LOCKED',
  /** The booking has left PENDING in a way that forbids the wish; `details.bookingStatus` says which. */
  'BOOKING_NOT_PENDING',
  /** The hold's deadline has passed, whether or not the clean-up has run. */
  'BOOKING_EXPIRED',
  /** The user would hold more seats of the event than one may at a time; paying or releasing some helps. */
  'HOLD_LIMIT_REACHED',
  'SEAT_NOT_FOUND',
  /** Unknown, or somebody else's: the same answer, so that ids cannot be probed. */
  'BOOKING_NOT_FOUND',
  'EVENT_NOT_FOUND',
  /** The same idempotency key is being worked on, and its end could not be waited for. */
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  /** The idempotency key belongs to a request that asked for something else. */
  'IDEMPOTENCY_KEY_REUSED',
  /** More work is waiting than can be done in time; nothing was tried. */
  'OVERLOADED',
  /** PostgreSQL does not answer. `details.outcome` is there when it may have committed all the same. */
  'DEPENDENCY_UNAVAILABLE',
] as const;

export type SeatErrorCode = (typeof seatErrorCodes)[number];

/** One fault of one input value; `pointer` is a JSON Pointer (RFC 6901) into the input. */
export interface InputFault {
  readonly pointer: string;
  readonly detail: string;
}

/** What a fault carries beside its code; each member belongs to the codes named beside it. */
export interface SeatErrorDetails {
  /** VALIDATION_FAILED */
  readonly errors?: readonly InputFault[];
  /** SEAT_TAKEN: the seats known to be in the way, at least one, never a free one. */
  readonly seatIds?: readonly string[];
  /** BOOKING_NOT_PENDING */
  readonly bookingStatus?: 'CONFIRMED' | 'EXPIRED' | 'CANCELLED';
  /** OVERLOADED, DEPENDENCY_UNAVAILABLE: a commit was sent and its answer lost, so it may have happened. */
  readonly outcome?: 'unknown';
}

const retryableCodes: ReadonlySet<SeatErrorCode> = new Set([
  'SEAT_LOCKED',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'OVERLOADED',
  'DEPENDENCY_UNAVAILABLE',
]);

/** The only error that seat-core throws on purpose. `message` is for logs, never for a buyer. */
export class SeatCoreError extends Error {
  override readonly name = 'SeatCoreError';
  readonly code: SeatErrorCode;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
  readonly details: SeatErrorDetails;

  constructor(code: SeatErrorCode, message: string, details: SeatErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = retryableCodes.has(code);
    this.details = details;
  }
}
