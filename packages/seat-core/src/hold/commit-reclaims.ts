import { failpoint } from '#failpoint';
import { publishCommit, type PublishDependencies, type SeatChange } from '../announce/publish-commit.ts';
import { groupBy } from '../group-by.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import { toSeatView, type SeatPlaceRow } from '../records/rows.ts';
import { cacheSeatStatuses, type CachedSeat } from '../redis/gatekeeper.ts';
import type { SeatStatus } from '../types.ts';
import { holdSeatsStatement } from './hold-seats.sql.ts';
import {
  refuse,
  toHeldBooking,
  type CommitHoldsDependencies,
  type CommittedHold,
  type HoldOutcome,
  type HoldRequest,
} from './hold-request.ts';
import { lockUsers } from './lock-users.sql.ts';

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
 * As `commitHolds`, for any requests: it also expires overdue holds that have their seats, and decides between requests for
 * the same seat.
 *
 * @returns one outcome per request, in their order
 */
export async function commitReclaims(
  dependencies: CommitHoldsDependencies,
  requests: readonly HoldRequest[],
): Promise<CommittedHold[]> {
  const { connections, settings } = dependencies;
  const rows = await connections.commitBehindLocks<HoldRow>(lockUsers(requests), {
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
  const outcomes = requests.map((request) =>
    toOutcome(request, rowsOf.get(request.bookingId) ?? [], settings.holdSeconds),
  );
  countReclaims(dependencies.metrics, rows);
  cacheTaken(dependencies, rows.flatMap(toTaken));
  const held = outcomes.flatMap((outcome) => (outcome.kind === 'held' ? [outcome.booking] : []));
  const published = publishCommit(
    dependencies,
    rows.flatMap(toChange),
    held.map(({ id, eventId, seats }) => ({ bookingId: id, eventId, seatIds: seats.map((seat) => seat.id) })),
  );
  return outcomes.map((outcome) => ({ ...outcome, published }));
}

function toOutcome(request: HoldRequest, rows: readonly HoldRow[], holdSeconds: number): HoldOutcome {
  if (rows.length === request.seatIds.length && rows.every(({ verdict }) => verdict === 'HELD')) {
    const bySeat = new Map(rows.map((row) => [row.seat_id, row]));
    const seats = request.seatIds.map((seatId) => toSeatView(seatId, bySeat.get(seatId)!, 'RESERVED'));
    return { kind: 'held', booking: toHeldBooking(request, seats, { at: rows[0]!.at, holdSeconds }) };
  }
  const seatsWith = (verdict: HoldRow['verdict']) =>
    rows.filter((row) => row.verdict === verdict).map((row) => row.seat_id);
  const closed = rows.find(({ verdict }) => verdict === 'NOT_OPEN' || verdict === 'CLOSED');
  return refuse({
    missing: seatsWith('MISSING'),
    sale: closed && { opensAt: closed.opens_at, isOver: closed.verdict === 'CLOSED', at: closed.at },
    taken: seatsWith('TAKEN'),
    locked: seatsWith('LOCKED'),
    heldBefore: rows[0]?.held_before ?? 0,
  });
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

function toTaken(row: HoldRow): CachedSeat[] {
  if (row.verdict !== 'TAKEN') return [];
  if (row.seat_status === 'SOLD') return [{ seatId: row.seat_id, status: 'SOLD' }];
  return row.expires_at === null
    ? []
    : [{ seatId: row.seat_id, status: 'RESERVED', expiresAt: row.expires_at }];
}

/**
 * PostgreSQL had to refuse a taken seat, so its status key is missing: after a flush of Redis, say. Writing the key
 * again keeps the crowd behind this request away from PostgreSQL. If the seat is freed this very moment, the worker's
 * cache repair corrects the key in its next rounds.
 */
function cacheTaken({ redis, background }: PublishDependencies, known: readonly CachedSeat[]): void {
  if (known.length === 0) return;
  void background.withinBudget(redis.run((client) => cacheSeatStatuses(client, known)));
}
