/**
 * Every reason for which seat-core refuses, as one closed union. A new code does not compile until each service
 * gives it an HTTP status and sentences.
 */
export const seatErrorCodes = [
  /** The input itself is wrong: malformed, out of bounds, duplicate seats, seats of two events. */
  'VALIDATION_FAILED',
  /** A requested seat is RESERVED or SOLD. Unlike SEAT_LOCKED, waiting a moment does not help. */
  'SEAT_TAKEN',
  /** Another request is booking a requested seat this moment; try again. */
  'SEAT_LOCKED',
  /** The booking is CONFIRMED, EXPIRED or CANCELLED (`details.bookingStatus`), which forbids the request. */
  'BOOKING_NOT_PENDING',
  /** The hold's deadline has passed, whether or not the clean-up has run. */
  'BOOKING_EXPIRED',
  /** The user would hold more seats of the event than allowed at a time; paying or releasing some helps. */
  'HOLD_LIMIT_REACHED',
  /** The sales of the event open at `details.opensAt`, by the database's clock. */
  'SALES_NOT_OPEN',
  /** The sales of the event are closed, by the database's clock. */
  'SALES_CLOSED',
  /** No such seat; `details.seatIds` names the unknown ids. */
  'SEAT_NOT_FOUND',
  /** Unknown, or another user's: the same answer, so that ids cannot be probed. */
  'BOOKING_NOT_FOUND',
  'EVENT_NOT_FOUND',
  /** A request with the same idempotency key is in progress, and took longer than this one could wait. */
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  /** The idempotency key belongs to a different request. */
  'IDEMPOTENCY_KEY_REUSED',
  /** More requests wait than can be served in time. This one was not started. */
  'OVERLOADED',
  /**
   * PostgreSQL does not answer. With `details.outcome` a commit was sent and its answer lost, or an unexpected error came
   * after it: it may have happened.
   */
  'DEPENDENCY_UNAVAILABLE',
] as const;

export type SeatErrorCode = (typeof seatErrorCodes)[number];

/** One error of one input value. `pointer` is a JSON Pointer (RFC 6901) into the input. */
export interface InputError {
  readonly pointer: string;
  readonly detail: string;
}

/** The details of an error. Which codes have which members is in `DetailsByCode`; `SeatCoreError.is` narrows to them. */
export interface SeatErrorDetails {
  readonly errors?: readonly InputError[];
  /** The seats known to be taken (at least one, never a free one), or the unknown seats. */
  readonly seatIds?: readonly string[];
  readonly bookingStatus?: 'CONFIRMED' | 'EXPIRED' | 'CANCELLED';
  /** When the sales open. */
  readonly opensAt?: Date;
  /** Whole seconds until then by the database's clock, rounded up. */
  readonly opensInSeconds?: number;
  /** A commit was sent and its answer lost: it may have happened. */
  readonly outcome?: 'unknown';
}

/** The details of each code. A code that is not here has none. */
interface DetailsByCode {
  readonly VALIDATION_FAILED: Required<Pick<SeatErrorDetails, 'errors'>>;
  readonly SEAT_TAKEN: Required<Pick<SeatErrorDetails, 'seatIds'>>;
  readonly SEAT_NOT_FOUND: Required<Pick<SeatErrorDetails, 'seatIds'>>;
  readonly SALES_NOT_OPEN: Required<Pick<SeatErrorDetails, 'opensAt' | 'opensInSeconds'>>;
  readonly BOOKING_NOT_PENDING: Required<Pick<SeatErrorDetails, 'bookingStatus'>>;
  readonly DEPENDENCY_UNAVAILABLE: Pick<SeatErrorDetails, 'outcome'>;
}

type NoDetails = Readonly<Record<string, never>>;

export type DetailsOf<Code extends SeatErrorCode> = Code extends keyof DetailsByCode
  ? DetailsByCode[Code]
  : NoDetails;

/** A code with its details: SEAT_TAKEN cannot be thrown without its seats. */
type CodeAndDetails = {
  [Code in SeatErrorCode]: NoDetails extends DetailsOf<Code>
    ? [code: Code, message: string, details?: DetailsOf<Code>, options?: ErrorOptions]
    : [code: Code, message: string, details: DetailsOf<Code>, options?: ErrorOptions];
}[SeatErrorCode];

const retryableCodes: ReadonlySet<SeatErrorCode> = new Set([
  'SEAT_LOCKED',
  'SALES_NOT_OPEN',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'OVERLOADED',
  'DEPENDENCY_UNAVAILABLE',
]);

/** Their stacks lead to what is wrong. Every other code is an answer, of which a stack would cost more than all else. */
const codesWithStack: ReadonlySet<SeatErrorCode> = new Set(['VALIDATION_FAILED', 'DEPENDENCY_UNAVAILABLE']);

/**
 * The only error that seat-core throws on purpose. `message` is for logs, never for a buyer.
 *
 * @example
 * try {
 *   await core.holdSeats({ seatIds, userId });
 * } catch (error) {
 *   if (error instanceof SeatCoreError && error.is('SEAT_TAKEN')) offerOtherSeats(error.details.seatIds);
 *   else throw error;
 * }
 */
export class SeatCoreError extends Error {
  override readonly name = 'SeatCoreError';
  readonly code: SeatErrorCode;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
  readonly details: SeatErrorDetails;

  constructor(...[code, message, details = {}, options]: CodeAndDetails) {
    const { stackTraceLimit } = Error;
    if (!codesWithStack.has(code)) Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.retryable = retryableCodes.has(code);
    this.details = details;
  }

  /** Whether the error has this code, and so its details. */
  is<Code extends SeatErrorCode>(
    code: Code,
  ): this is SeatCoreError & { readonly code: Code; readonly details: DetailsOf<Code> } {
    return this.code === code;
  }
}
