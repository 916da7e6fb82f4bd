import { failpoint } from '#failpoint';
import { publishCommit, type SeatChange } from '../announce/publish-commit.ts';
import type { Booking, Seat } from '../types.ts';
import { holdFreeSeatsStatements } from './hold-free-seats.sql.ts';
import {
  refuse,
  toHeldBooking,
  type CommitHoldsDependencies,
  type CommittedHold,
  type HoldOutcome,
  type HoldRequest,
} from './hold-request.ts';
import { lockUsers } from './lock-users.sql.ts';

type Place = readonly [section: string, row: string, number: number, price: number, version: number];

/** One request. @see holdFreeSeatsStatements */
interface HoldRow {
  /** The place of the request in the batch, from 1. */
  readonly n: number;
  readonly is_held: boolean;
  readonly places: readonly Place[] | null;
  readonly currency: string | null;
  readonly held_before: number;
  readonly opens_at: Date | null;
  /** Null when there is no such event. */
  readonly closes_at: Date | null;
  readonly at: Date;
}

/**
 * Decides a batch of requests in one statement, each all or nothing on its own, and publishes the commit.
 *
 * @returns one outcome per request, in their order; null where `commitReclaims` has to decide: a seat is not free, or
 *   an earlier request of the batch names one of the seats or is the user's
 */
export async function commitHolds(
  dependencies: CommitHoldsDependencies,
  batch: readonly HoldRequest[],
): Promise<(CommittedHold | null)[]> {
  const requests = withoutRivals(batch);
  const rows = await commit(dependencies, requests);
  failpoint('hold-committed');
  if (rows.length !== requests.length)
    throw new Error(`hold-free-seats returned ${rows.length} rows for ${requests.length} requests`);
  const held: Booking[] = [];
  const changes: SeatChange[] = [];
  const outcomes = new Map<HoldRequest, HoldOutcome | null>();
  for (const row of rows) {
    const request = requests[row.n - 1]!;
    if (!row.is_held) {
      outcomes.set(request, toRefusal(request, row));
      continue;
    }
    const places = row.places!;
    const seats = places.map((place, index) => toSeat(request, index, place, row.currency!));
    const booking = toHeldBooking(request, seats, { at: row.at, ...dependencies.settings });
    const { expiresAt, eventId } = booking;
    for (const [index, [, , , , version]] of places.entries())
      changes.push({ seatId: request.seatIds[index]!, eventId, version, status: 'RESERVED', expiresAt });
    held.push(booking);
    outcomes.set(request, { kind: 'held', booking });
  }
  const published = publishCommit(
    dependencies,
    changes,
    held.map(({ id, eventId, seats }) => ({ bookingId: id, eventId, seatIds: seats.map((seat) => seat.id) })),
  );
  return batch.map((request) => {
    const outcome = outcomes.get(request) ?? null;
    return outcome && { ...outcome, published };
  });
}

/** Those that share neither a seat nor user and event with an earlier one. */
function withoutRivals(batch: readonly HoldRequest[]): HoldRequest[] {
  const named = new Set<string>();
  return batch.filter(({ eventId, userId, seatIds }) => {
    const names = [`${eventId} ${userId}`, ...seatIds];
    if (names.some((name) => named.has(name))) return false;
    for (const name of names) named.add(name);
    return true;
  });
}

function commit(
  { connections, settings }: CommitHoldsDependencies,
  requests: readonly HoldRequest[],
): Promise<HoldRow[]> {
  const firsts: number[] = [];
  const lasts: number[] = [];
  const seatIds: string[] = [];
  for (const request of requests) {
    firsts.push(seatIds.length + 1);
    seatIds.push(...request.seatIds);
    lasts.push(seatIds.length);
  }
  const values = [
    toArray(requests.map(({ bookingId }) => bookingId)),
    toArray(requests.map(({ eventId }) => eventId)),
    requests.map(({ userId }) => userId),
    requests.map(({ requestId }) => requestId),
    toArray(firsts),
    toArray(lasts),
    toArray(seatIds),
    settings.holdSeconds,
    settings.maxHeldSeatsPerUser,
  ];
  const isKeyed = requests.some(({ key }) => key !== null);
  const keys = [
    requests.map(({ key }) => key?.id ?? null),
    requests.map(({ key }) => key?.fingerprint ?? null),
  ];
  return connections.commitBehindLocks<HoldRow>(
    lockUsers(requests),
    isKeyed
      ? { statement: holdFreeSeatsStatements.keyed, values: [...values, ...keys] }
      : { statement: holdFreeSeatsStatements.plain, values },
  );
}

/** A list of ids or numbers as PostgreSQL reads it. The driver would look for characters to escape in each of them. */
function toArray(members: readonly (string | number)[]): string {
  return `{${members.join(',')}}`;
}

function toSeat(
  { seatIds, eventId }: HoldRequest,
  index: number,
  [section, row, number, amount]: Place,
  currency: string,
): Seat {
  const price = { amount, currency };
  return { id: seatIds[index]!, eventId, section, row, number, price, status: 'RESERVED' };
}

/** @returns null when a seat is not free */
function toRefusal({ seatIds }: HoldRequest, row: HoldRow): HoldOutcome | null {
  const { at, opens_at: opensAt, closes_at: closesAt, held_before: heldBefore, places } = row;
  const isAnEvent = closesAt !== null;
  if (isAnEvent && places?.length !== seatIds.length) return null;
  const isOver = isAnEvent && closesAt <= at;
  const isClosed = isOver || (opensAt !== null && opensAt > at);
  return refuse({
    missing: isAnEvent ? [] : seatIds,
    sale: isClosed ? { opensAt, isOver, at } : undefined,
    taken: [],
    locked: [],
    heldBefore,
  });
}
