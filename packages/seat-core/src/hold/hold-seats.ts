import { failpoint, failpointBehind } from '#failpoint';
import type { Context } from '../options.ts';
import { SeatCoreError } from '../errors.ts';
import {
  onceByKey,
  toIdempotencyKey,
  type IdempotencyInput,
  type IdempotencyKey,
  type Replayable,
} from '../idempotency/idempotency.ts';
import { InputCheck } from '../validation.ts';
import { newBookingId } from './new-booking-id.ts';
import { replayBooking } from '../idempotency/repeated-answer.ts';
import { tryAcquireSeats } from '../redis/seat-lock.ts';
import { findCachedTakenSeats } from '../redis/gatekeeper.ts';
import { takenError } from '../taken-error.ts';
import type { Booking } from '../types.ts';

export interface HoldSeatsInput {
  /** One to `maxSeatsPerBooking` seats of one event, each once. */
  readonly seatIds: readonly string[];
  /** 1–128 visible ASCII characters. */
  readonly userId: string;
  /** Kept with the transition, for whoever reads the history. */
  readonly requestId?: string;
  readonly idempotency?: IdempotencyInput;
}

interface Wish {
  /** In ascending order. */
  readonly seatIds: readonly string[];
  readonly userId: string;
  readonly requestId: string | null;
  readonly key: IdempotencyKey | null;
}

export async function holdSeats(context: Context, input: HoldSeatsInput): Promise<Replayable<Booking>> {
  const wish = checkInput(context, input);
  const count = (outcome: string) => context.metrics.bookings.inc({ outcome });
  try {
    const booking = await onceByKey(
      context,
      wish.key,
      () => hold(context, wish),
      (effect) => replayBooking(context, effect, 'PENDING'),
    );
    count(booking.replayed ? 'replayed' : 'held');
    failpoint('hold-done');
    return booking;
  } catch (error) {
    if (error instanceof SeatCoreError) count(error.code.toLowerCase());
    throw error;
  }
}

async function hold(context: Context, wish: Wish): Promise<Booking> {
  const { seatIds, userId, requestId, key } = wish;
  const taken = await findCachedTakenSeats(context, seatIds);
  if (taken.length > 0) throw takenError(taken);

  const lease = await tryAcquireSeats(context, seatIds, userId, key);
  if (lease === 'twin') {
    throw new SeatCoreError('IDEMPOTENCY_KEY_IN_PROGRESS', 'a request with this key has the seats');
  }
  if (lease === 'busy') throw new SeatCoreError('SEAT_LOCKED', 'a seat is being booked');
  let announced: Promise<void> | undefined;
  try {
    failpoint('hold-locked');
    const bookingId = newBookingId();
    const outcome = await context.holds.submit({ bookingId, seatIds, userId, requestId, key });
    if (outcome.kind === 'refused') throw outcome.error;
    announced = outcome.announced;
    await failpointBehind('hold-announced', announced);
    return outcome.booking;
  } finally {
    // Sent behind the news of the commit, on the same connection: whoever finds the lock gone finds the status key.
    await Promise.all([announced, lease.release()]);
  }
}

function checkInput(context: Context, input: HoldSeatsInput): Wish {
  const check = new InputCheck();
  const { maxSeatsPerBooking } = context.settings;
  const userId = check.userId('/userId', input.userId);
  if (input.seatIds.length < 1 || input.seatIds.length > maxSeatsPerBooking) {
    check.fault('/seatIds', `must name 1 to ${maxSeatsPerBooking} seats`);
  }
  const known = new Set<string>();
  for (const [index, value] of input.seatIds.slice(0, maxSeatsPerBooking).entries()) {
    const pointer = `/seatIds/${index}`;
    const seatId = check.id(pointer, value);
    if (known.has(seatId)) check.fault(pointer, 'names a seat that is named already');
    known.add(seatId);
  }
  check.throwIfAny();
  return {
    seatIds: [...known].toSorted(),
    userId,
    requestId: input.requestId ?? null,
    key: toIdempotencyKey(input.idempotency),
  };
}
