import { failpoint } from '#failpoint';
import { publishCommit, type PublishDependencies, type SeatChange } from '../announce/publish-commit.ts';
import { SeatCoreError } from '../errors.ts';
import { groupBy } from '../group-by.ts';
import type { IdempotencyKey } from '../idempotency/idempotency.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreSettings } from '../options.ts';
import type { Connections } from '../postgres/connections.ts';
import { toSeatView, type SeatPlaceRow } from '../records/rows.ts';
import { cacheSeatStatus, type CachedSeat } from '../redis/gatekeeper.ts';
import type { Booking, SeatStatus } from '../types.ts';
import { holdSeatsStatement, lockUsersStatement } from './hold-seats.sql.ts';

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

/**
 * Only a row with verdict HELD has all columns. The others have no booking times; RECLAIMED has no seat, MISSING no event and no
 * place, and only HELD and FREED have a new version.
 */
interface HoldRow extends SeatPlaceRow {
  readonly booking_id: string;
  readonly seat_id: string;
  readonly verdict:
    'HELD' | 'FREE' | 'TAKEN' | 'LOCKED' | 'MISSING' | 'NOT_OPEN' | 'CLOSED' | 'RECLAIMED' | 'FREED';
  readonly seat_status: SeatStatus;
  readonly seat_version: string;
  /** Seats of the event that the user held before; only for requests whose seats are all FREE. */
  readonly held_before: number | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  /** When the sales of the event open; null when they were never closed before. */
  readonly opens_at: Date | null;
  readonly at: Date;
}

/**
 * Decides a batch of requests in one statement, each all or nothing on its own, and publishes the commit.
 *
 * @returns one outcome per request, in their order
 */
export async function commitHolds(
  dependencies: CommitHoldsDependencies,
  requests: readonly HoldRequest[],
): Promise<CommittedHold[]> {
  const { connections, settings, background } = dependencies;
  const locks = {
    statement: lockUsersStatement,
    values: [requests.map((request) => request.userId), requests.map((request) => request.eventId)],
  };
  const rows = await connections.commitBehindLocks<HoldRow>(locks, {
    statement: holdSeatsStatement,
    values: [
      requests.map((request) => request.bookingId),
      requests.map((request) => request.userId),
      requests.map((request) => request.requestId),
      requests.map((request) => request.key?.id ?? null),
      requests.map((request) => request.key?.fingerprint ?? null),
      requests.flatMap((request) => request.seatIds.map(() => request.bookingId)),
      requests.flatMap((request) => request.seatIds.map(() => request.eventId)),
      requests.flatMap((request) => request.seatIds),
      settings.holdSeconds,
      settings.maxHeldSeatsPerUser,
    ],
  });
  failpoint('hold-committed');
  const rowsOf = groupBy(rows, (row) => row.booking_id);
  const outcomes = requests.map((request) => toOutcome(request, rowsOf.get(request.bookingId) ?? []));
  countReclaims(dependencies.metrics, rows);
  void background.withinBudget(cacheTaken(dependencies, rows));
  const held = outcomes.flatMap((outcome) => (outcome.kind === 'held' ? [outcome.booking] : []));
  const published = publishCommit(
    dependencies,
    rows.flatMap(toChange),
    held.map(({ id, eventId, seats }) => ({ bookingId: id, eventId, seatIds: seats.map((seat) => seat.id) })),
  );
  return outcomes.map((outcome) => ({ ...outcome, published }));
}

function toOutcome(request: HoldRequest, rows: readonly HoldRow[]): HoldOutcome {
  const refused = (error: SeatCoreError): HoldOutcome => ({ kind: 'refused', error });
  const seatsWith = (verdict: HoldRow['verdict']) =>
    rows.filter((row) => row.verdict === verdict).map((row) => row.seat_id);

  const missing = seatsWith('MISSING');
  if (missing.length > 0) {
    return refused(
      new SeatCoreError('SEAT_NOT_FOUND', `unknown: ${missing.join(', ')}`, { seatIds: missing }),
    );
  }
  const closed = rows.find(({ verdict }) => verdict === 'NOT_OPEN' || verdict === 'CLOSED');
  if (closed !== undefined) return refused(salesError(closed));
  const taken = seatsWith('TAKEN');
  if (taken.length > 0) {
    return refused(new SeatCoreError('SEAT_TAKEN', `taken: ${taken.join(', ')}`, { seatIds: taken }));
  }
  if (seatsWith('LOCKED').length > 0) {
    return refused(new SeatCoreError('SEAT_LOCKED', 'another transaction has locked a seat'));
  }
  if (rows.some((row) => row.verdict === 'FREE')) {
    return refused(new SeatCoreError('HOLD_LIMIT_REACHED', `the user holds ${rows[0]?.held_before} seats`));
  }
  if (rows.length !== request.seatIds.length || rows.some((row) => row.verdict !== 'HELD')) {
    throw new Error(`hold-seats returned ${rows.length} rows for ${request.seatIds.length} seats`);
  }
  return { kind: 'held', booking: toHeldBooking(request, rows as [HoldRow, ...HoldRow[]]) };
}

function salesError({ verdict, opens_at: opensAt, at }: HoldRow): SeatCoreError {
  if (verdict === 'CLOSED' || opensAt === null)
    return new SeatCoreError('SALES_CLOSED', 'the sales are closed');
  const opensInSeconds = Math.max(1, Math.ceil((opensAt.getTime() - at.getTime()) / 1_000));
  return new SeatCoreError('SALES_NOT_OPEN', `the sales open at ${opensAt.toISOString()}`, {
    opensAt,
    opensInSeconds,
  });
}

function toHeldBooking(request: HoldRequest, rows: readonly [HoldRow, ...HoldRow[]]): Booking {
  const [first] = rows;
  const bySeat = new Map(rows.map((row) => [row.seat_id, row]));
  const seats = request.seatIds.map((seatId) => {
    const row = bySeat.get(seatId)!;
    return toSeatView(seatId, row, row.seat_status);
  });
  const expiresAt = first.expires_at!;
  return {
    id: request.bookingId,
    eventId: first.event_id,
    userId: request.userId,
    status: 'PENDING',
    seats,
    total: { amount: seats.reduce((sum, seat) => sum + seat.price.amount, 0), currency: first.currency },
    createdAt: first.created_at,
    expiresAt,
    expiresInSeconds: Math.floor((expiresAt.getTime() - first.at.getTime()) / 1_000),
    confirmedAt: null,
  };
}

function toChange(row: HoldRow): SeatChange[] {
  const seat = { seatId: row.seat_id, eventId: row.event_id, version: Number(row.seat_version) };
  if (row.verdict === 'HELD') return [{ ...seat, status: 'RESERVED', expiresAt: row.expires_at! }];
  if (row.verdict === 'FREED') return [{ ...seat, status: 'AVAILABLE' }];
  return [];
}

function countReclaims(metrics: SeatCoreMetrics, rows: readonly HoldRow[]): void {
  for (const row of rows) {
    if (row.verdict !== 'RECLAIMED') continue;
    metrics.bookingsExpired.inc({ by: 'reclaim' });
    metrics.expiryLag.observe((row.at.getTime() - row.expires_at!.getTime()) / 1_000);
  }
}

/**
 * PostgreSQL had to refuse a taken seat, so its status key is missing: after a flush of Redis, say. Writing the key
 * again keeps the crowd behind this request away from PostgreSQL. If the seat is freed this very moment, the worker's
 * cache repair corrects the key in its next rounds.
 */
async function cacheTaken({ redis }: PublishDependencies, rows: readonly HoldRow[]): Promise<void> {
  const known = rows.flatMap((row): CachedSeat[] => {
    if (row.verdict !== 'TAKEN') return [];
    if (row.seat_status === 'SOLD') return [{ seatId: row.seat_id, status: 'SOLD' }];
    return row.expires_at === null
      ? []
      : [{ seatId: row.seat_id, status: 'RESERVED', expiresAt: row.expires_at }];
  });
  if (known.length === 0) return;
  await redis.run((client) => Promise.all(known.map((seat) => cacheSeatStatus(client, seat))));
}
