import type { PublishDependencies } from '../announce/publish-commit.ts';
import { SeatCoreError } from '../errors.ts';
import type { IdempotencyKey } from '../idempotency/idempotency.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreSettings } from '../options.ts';
import type { Connections } from '../postgres/connections.ts';
import type { Booking, Seat } from '../types.ts';

/** One request of a batch. Of several requests for one seat the first one gets it. */
export interface HoldRequest {
  readonly bookingId: string;
  readonly eventId: string;
  /** Of the event, in ascending order, each once. */
  readonly seatIds: readonly string[];
  readonly userId: string;
  readonly requestId: string | null;
  readonly key: IdempotencyKey | null;
}

export type HoldOutcome =
  | { readonly kind: 'held'; readonly booking: Booking }
  | { readonly kind: 'refused'; readonly error: SeatCoreError };

export type CommittedHold = HoldOutcome & {
  /** Resolves when the commit is published to Redis, or its budget is over. */
  readonly published: Promise<void>;
};

export interface CommitHoldsDependencies extends PublishDependencies {
  readonly connections: Connections;
  readonly settings: SeatCoreSettings;
  readonly metrics: SeatCoreMetrics;
}

/** Why a request has no booking, as its seats were found. The first of these that has one is the answer. */
export interface HoldObstacles {
  readonly missing: readonly string[];
  /** The sale is not open at `at`. */
  readonly sale: { readonly opensAt: Date | null; readonly isOver: boolean; readonly at: Date } | undefined;
  readonly taken: readonly string[];
  readonly locked: readonly string[];
  readonly heldBefore: number;
}

export function refuse({ missing, sale, taken, locked, heldBefore }: HoldObstacles): HoldOutcome {
  const refused = (error: SeatCoreError): HoldOutcome => ({ kind: 'refused', error });
  if (missing.length > 0)
    return refused(
      new SeatCoreError('SEAT_NOT_FOUND', `unknown: ${missing.join(', ')}`, { seatIds: missing }),
    );
  if (sale !== undefined) return refused(salesError(sale));
  if (taken.length > 0)
    return refused(new SeatCoreError('SEAT_TAKEN', `taken: ${taken.join(', ')}`, { seatIds: taken }));
  if (locked.length > 0)
    return refused(new SeatCoreError('SEAT_LOCKED', 'another transaction has locked a seat'));
  return refused(new SeatCoreError('HOLD_LIMIT_REACHED', `the user holds ${heldBefore} seats`));
}

function salesError({ opensAt, isOver, at }: NonNullable<HoldObstacles['sale']>): SeatCoreError {
  if (isOver || opensAt === null) return new SeatCoreError('SALES_CLOSED', 'the sales are closed');
  const opensInSeconds = Math.max(1, Math.ceil((opensAt.getTime() - at.getTime()) / 1_000));
  return new SeatCoreError('SALES_NOT_OPEN', `the sales open at ${opensAt.toISOString()}`, {
    opensAt,
    opensInSeconds,
  });
}

/** @param at the moment of the commit */
export function toHeldBooking(
  { bookingId, eventId, userId }: HoldRequest,
  seats: readonly Seat[],
  { at, holdSeconds }: { readonly at: Date; readonly holdSeconds: number },
): Booking {
  const { currency } = seats[0]!.price;
  const expiresAt = new Date(at.getTime() + Math.round(holdSeconds * 1_000));
  return {
    id: bookingId,
    eventId,
    userId,
    status: 'PENDING',
    seats,
    total: { amount: seats.reduce((sum, { price }) => sum + price.amount, 0), currency },
    createdAt: at,
    expiresAt,
    expiresInSeconds: Math.floor((expiresAt.getTime() - at.getTime()) / 1_000),
    confirmedAt: null,
  };
}
