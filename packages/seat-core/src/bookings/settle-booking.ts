import { failpoint } from '#failpoint';
import { toBookingView, type BookingRow } from '../records/booking-rows.ts';
import type { Context } from '../options.ts';
import { SeatCoreError } from '../errors.ts';
import { findBooking } from './get-booking.ts';
import { groupBy } from '../group-by.ts';
import {
  onceByKey,
  toIdempotencyKey,
  type IdempotencyInput,
  type IdempotencyKey,
  type Replayable,
} from '../idempotency/idempotency.ts';
import { InputCheck } from '../validation.ts';
import { asLeftBy, replayBooking } from '../idempotency/repeated-answer.ts';
import { announceCommit, type SeatChange } from '../announce/publish-commit.ts';
import { commitStatement, type NamedStatement } from '../postgres/statement.ts';
import type { Booking } from '../types.ts';

export interface SettleBookingInput {
  readonly bookingId: string;
  /** When given, only a booking of this user is seen; any other is BOOKING_NOT_FOUND. */
  readonly ownedBy?: string;
  /** Who asks, for the history: a user id or the name of a service. */
  readonly actor: string;
  readonly requestId?: string;
  readonly idempotency?: IdempotencyInput;
}

/** One wish among those that one statement decides. Of several for one booking the first one has the effect. */
export interface SettleRequest {
  readonly bookingId: string;
  readonly ownedBy: string | null;
  readonly actor: string;
  readonly requestId: string | null;
  readonly key: IdempotencyKey | null;
}

interface SettledRow extends BookingRow {
  /** Which of the wishes it was, from 1. */
  readonly asked_as: number;
}

export interface Settlement {
  /** Null when it was not PENDING, overdue or not to be seen. */
  readonly booking: Booking | null;
  /** When Redis knows, or its time is up. */
  readonly announced: Promise<void>;
}

/**
 * Decides many wishes in one statement and tells Redis what was committed.
 *
 * @returns one settlement per request, in their order
 */
export async function commitSettlements(
  context: Context,
  statement: NamedStatement,
  requests: readonly SettleRequest[],
): Promise<Settlement[]> {
  const rows = await commitStatement<SettledRow>(context, statement, [
    requests.map((request) => request.bookingId),
    requests.map((request) => request.ownedBy),
    requests.map((request) => request.actor),
    requests.map((request) => request.requestId),
    requests.map((request) => request.key?.id ?? null),
    requests.map((request) => request.key?.fingerprint ?? null),
  ]);
  failpoint('settle-committed');
  const announced = announceCommit(context, rows.map(toSettledChange));
  const settled = groupBy(rows, (row) => row.asked_as);
  return requests.map((_, index) => {
    const rowsOfBooking = settled.get(index + 1);
    return { booking: rowsOfBooking === undefined ? null : toBookingView(rowsOfBooking), announced };
  });
}

/** PENDING → CONFIRMED, its seats SOLD. */
export async function confirmBooking(
  context: Context,
  input: SettleBookingInput,
): Promise<Replayable<Booking>> {
  const request = checkInput(input);
  const confirm = async () => {
    failpoint('confirm-asked');
    const { booking: settled, announced } = await context.confirmations.submit(request);
    if (settled !== null) {
      context.metrics.ticketsSold.inc(settled.seats.length);
      await announced;
      failpoint('confirm-done');
      return settled;
    }
    const booking = await findBooking(context, input);
    if (booking.status === 'CONFIRMED') return booking;
    if (booking.status === 'EXPIRED') throw new SeatCoreError('BOOKING_EXPIRED', 'the hold has ended');
    throw refusalFor(booking);
  };
  return onceByKey(context, request.key, confirm, (effect) => replayBooking(context, effect, 'CONFIRMED'));
}

/** PENDING → CANCELLED, its seats AVAILABLE. */
export async function releaseBooking(
  context: Context,
  input: SettleBookingInput,
): Promise<Replayable<Booking>> {
  const request = checkInput(input);
  const release = async () => {
    const { booking: settled, announced } = await context.releases.submit(request);
    if (settled !== null) {
      await announced;
      return settled;
    }
    const booking = await findBooking(context, input);
    // A seat of it may be another's by now, and a twin that released it a moment ago was answered with it free.
    if (booking.status === 'CANCELLED') return asLeftBy('CANCELLED', booking);
    throw refusalFor(booking);
  };
  return onceByKey(context, request.key, release, (effect) => replayBooking(context, effect, 'CANCELLED'));
}

function checkInput(input: SettleBookingInput): SettleRequest {
  const check = new InputCheck();
  const bookingId = check.id('/bookingId', input.bookingId);
  check.throwIfAny();
  return {
    bookingId,
    ownedBy: input.ownedBy ?? null,
    actor: input.actor,
    requestId: input.requestId ?? null,
    key: toIdempotencyKey(input.idempotency),
  };
}

/** How a seat of a settled booking stands: SOLD or AVAILABLE, never RESERVED. */
export function toSettledChange(row: BookingRow): SeatChange {
  return {
    seatId: row.seat_id,
    eventId: row.event_id,
    version: Number(row.seat_version),
    status: row.seat_status === 'SOLD' ? 'SOLD' : 'AVAILABLE',
  };
}

function refusalFor({ status }: Booking): SeatCoreError {
  // Only a settlement that finished between our statement and our look leaves PENDING here: ask again.
  if (status === 'PENDING') return new SeatCoreError('SEAT_LOCKED', 'the booking is being settled');
  return new SeatCoreError('BOOKING_NOT_PENDING', `the booking is ${status}`, { bookingStatus: status });
}
