import { v7 as uuidv7 } from 'uuid';
import { commitHolds } from './commit-holds.ts';
import type { Context } from './context.ts';
import { SeatCoreError } from './errors.ts';
import { InputCheck } from './input.ts';
import { tryAcquireSeats } from './seat-lock.ts';
import { findCachedTakenSeats } from './seat-status-cache.ts';
import { takenError } from './taken-error.ts';
import type { Booking } from './views.ts';

export interface HoldSeatsInput {
  /** One to `maxSeatsPerBooking` seats of one event, each once. */
  readonly seatIds: readonly string[];
  /** 1–128 visible ASCII characters. */
  readonly userId: string;
  /** Kept with the transition, for whoever reads the history. */
  readonly requestId?: string;
}

export async function holdSeats(context: Context, input: HoldSeatsInput): Promise<Booking> {
  const { seatIds, userId } = checkInput(context, input);
  const taken = await findCachedTakenSeats(context, seatIds);
  if (taken.length > 0) throw refuse(context, takenError(taken));

  const lease = await tryAcquireSeats(context, seatIds, userId);
  if (lease === null) throw refuse(context, new SeatCoreError('SEAT_LOCKED', 'a seat is being booked'));
  try {
    const request = { bookingId: uuidv7(), seatIds, userId, requestId: input.requestId ?? null };
    const [outcome] = await commitHolds(context, [request]);
    if (outcome === undefined) throw new Error('a hold was answered with no outcome');
    if (outcome.kind === 'refused') throw refuse(context, outcome.error);
    context.metrics.bookings.inc({ outcome: 'held' });
    return outcome.booking;
  } finally {
    await lease.release();
  }
}

function checkInput(context: Context, input: HoldSeatsInput): { seatIds: string[]; userId: string } {
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
  return { seatIds: [...known].toSorted(), userId };
}

function refuse(context: Context, error: SeatCoreError): SeatCoreError {
  context.metrics.bookings.inc({ outcome: error.code.toLowerCase() });
  return error;
}
