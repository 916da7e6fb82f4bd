import { failpoint, failpointBehind } from '#failpoint';
import { SeatCoreError } from '../errors.ts';
import {
  toIdempotencyKey,
  type IdempotencyKey,
  type IdempotentRequests,
  type Repeatable,
} from '../idempotency/idempotency.ts';
import { repeatedAnswer } from '../idempotency/repeated-answer.ts';
import { eventIdOf, newBookingId } from '../ids.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreSettings } from '../options.ts';
import type { Connections } from '../postgres/connections.ts';
import { isLockTimeout } from '../postgres/error-mapping.ts';
import { GroupCommit, secondTryWithinMs } from '../postgres/group-commit.ts';
import type { Gatekeeper } from '../redis/gatekeeper.ts';
import type { SeatLocks } from '../redis/seat-lock.ts';
import type { Booking } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { commitHolds } from './commit-holds.ts';
import { commitReclaims } from './commit-reclaims.ts';
import type { CommitHoldsDependencies, CommittedHold, HoldRequest } from './hold-request.ts';

export interface HoldSeatsInput {
  /** One to `maxSeatsPerBooking` seats of one event, each once. */
  readonly seatIds: readonly string[];
  /** 1–128 visible ASCII characters. */
  readonly userId: string;
  /** Written beside the transition in `booking_events`. 1–128 visible ASCII characters. */
  readonly requestId?: string;
  /**
   * 1–255 visible ASCII characters, unique among this user's holds: sent again, it has no second effect. The seats in another
   * order are another request (IDEMPOTENCY_KEY_REUSED).
   */
  readonly idempotencyKey?: string;
}

/** The requests to hold seats that wait for a commit. */
export interface HoldBatches {
  /** Null: `reclaims` has to decide. */
  readonly holds: GroupCommit<HoldRequest, CommittedHold | null>;
  readonly reclaims: GroupCommit<HoldRequest, CommittedHold>;
}

export function createHoldBatches(dependencies: CommitHoldsDependencies): HoldBatches {
  const onBatch = (size: number) => dependencies.metrics.commitBatchSize.observe(size);
  return {
    holds: new GroupCommit({ commit: (requests) => commitHolds(dependencies, requests), onBatch }),
    reclaims: new GroupCommit({
      commit: (requests) => commitReclaims(dependencies, requests),
      onBatch,
      maxWaitMs: secondTryWithinMs,
    }),
  };
}

export interface HoldSeatsDependencies {
  readonly gatekeeper: Gatekeeper;
  readonly locks: SeatLocks;
  readonly connections: Connections;
  readonly batches: HoldBatches;
  readonly idempotency: IdempotentRequests;
  readonly settings: SeatCoreSettings;
  readonly metrics: SeatCoreMetrics;
}

interface CheckedInput {
  readonly eventId: string;
  /** In ascending order. */
  readonly seatIds: readonly string[];
  readonly userId: string;
  readonly requestId: string | null;
  readonly key: IdempotencyKey | null;
}

/** @see SeatCore.holdSeats */
export async function holdSeats(
  dependencies: HoldSeatsDependencies,
  input: HoldSeatsInput,
): Promise<Repeatable<Booking>> {
  const { connections, idempotency, settings, metrics } = dependencies;
  const request = checkInput(settings, input);
  try {
    const booking = await idempotency.run(
      request.key,
      () => hold(dependencies, request),
      (effect) => repeatedAnswer(connections, effect, 'PENDING'),
    );
    metrics.bookings.inc({ outcome: booking.replayed ? 'replayed' : 'held' });
    failpoint('hold-done');
    return booking;
  } catch (error) {
    if (error instanceof SeatCoreError) metrics.bookings.inc({ outcome: error.code.toLowerCase() });
    throw error;
  }
}

/** Gatekeeper and seat locks, asked at once for seats that are probably free; commit; release of the locks. */
async function hold(dependencies: HoldSeatsDependencies, request: CheckedInput): Promise<Booking> {
  const { gatekeeper, locks } = dependencies;
  const { seatIds, userId, key } = request;
  const keyTag = key === null ? '' : key.id.toString('hex', 0, 8);
  const lock = () => locks.tryLock({ seatIds, userId, keyTag });
  const isFree = gatekeeper.expectsFree(seatIds);
  const [taken, early] = await Promise.all([gatekeeper.findTaken(seatIds), isFree ? lock() : undefined]);
  if (taken.length > 0) {
    if (typeof early === 'object') await early.release();
    throw new SeatCoreError('SEAT_TAKEN', `taken: ${taken.join(', ')}`, { seatIds: taken });
  }
  const lease = early ?? (await lock());
  if (lease === 'duplicate') {
    throw new SeatCoreError('IDEMPOTENCY_KEY_IN_PROGRESS', 'a request with this key has locked the seats');
  }
  if (lease === 'busy') throw new SeatCoreError('SEAT_LOCKED', 'another request has locked a seat');
  let published: Promise<void> | undefined;
  try {
    failpoint('hold-locked');
    const outcome = await commit(dependencies, request);
    if (outcome.kind === 'refused') throw outcome.error;
    published = outcome.published;
    await failpointBehind('hold-published', published);
    return outcome.booking;
  } finally {
    // Sent behind the status keys on the same connection: a request that finds the lock gone finds the key.
    await Promise.all([published, lease.release()]);
  }
}

/** @throws SEAT_LOCKED when another hold of the user did not end in time */
async function commit({ batches }: HoldSeatsDependencies, request: CheckedInput): Promise<CommittedHold> {
  const submitted = { ...request, bookingId: newBookingId(request.eventId) };
  const since = performance.now();
  try {
    const outcome = await batches.holds.submit(submitted);
    return outcome ?? (await batches.reclaims.submit(submitted, since));
  } catch (error) {
    const cause = error instanceof SeatCoreError ? error.cause : undefined;
    if (!isLockTimeout(cause)) throw error;
    throw new SeatCoreError('SEAT_LOCKED', 'another transaction holds the lock', {}, { cause });
  }
}

function checkInput({ maxSeatsPerBooking }: SeatCoreSettings, input: HoldSeatsInput): CheckedInput {
  const check = new InputCheck(input);
  const userId = check.userId('/userId', input.userId);
  const named = check.list('/seatIds', input.seatIds);
  if (named.length < 1 || named.length > maxSeatsPerBooking) {
    check.error('/seatIds', `must name 1 to ${maxSeatsPerBooking} seats`);
  }
  const seatIds = new Set<string>();
  for (const [index, value] of named.slice(0, maxSeatsPerBooking).entries()) {
    const pointer = `/seatIds/${index}`;
    const seatId = check.id(pointer, value);
    if (seatIds.has(seatId)) check.error(pointer, 'names a seat that is named already');
    seatIds.add(seatId);
  }
  const eventIds = new Set([...seatIds].filter((seatId) => seatId !== '').map(eventIdOf));
  if (eventIds.size > 1) check.error('/seatIds', 'must name seats of one event');
  const requestId = input.requestId === undefined ? null : check.userId('/requestId', input.requestId);
  check.throwIfAny();
  const [eventId = ''] = eventIds;
  return {
    eventId,
    seatIds: [...seatIds].toSorted(),
    userId,
    requestId,
    // The fingerprint keeps the order of the caller: a repeated request is the same to the letter.
    key: toIdempotencyKey(input.idempotencyKey, {
      caller: userId,
      verb: 'holdSeats',
      request: { seatIds: [...seatIds] },
    }),
  };
}
