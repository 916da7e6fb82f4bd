import type { Context } from './context.ts';
import { SeatCoreError } from './errors.ts';
import { groupBy } from './group-by.ts';
import { holdSeatsStatement } from './hold-seats.sql.ts';
import { announceCommit, type SeatChange } from './seat-changes.ts';
import { toSeatView, type SeatPlaceRow } from './seat-rows.ts';
import { cacheSeatStatus, type CachedSeat } from './seat-status-cache.ts';
import { runStatement } from './statement.ts';
import { takenError } from './taken-error.ts';
import type { Booking, SeatStatus } from './views.ts';
import { withinBudget } from './within-budget.ts';

/** One wish among those that one statement decides. Two of them must not share a seat. */
export interface HoldRequest {
  readonly bookingId: string;
  /** In ascending order, each once. */
  readonly seatIds: readonly string[];
  readonly userId: string;
  readonly requestId: string | null;
}

export type HoldOutcome =
  | { readonly kind: 'held'; readonly booking: Booking }
  | { readonly kind: 'refused'; readonly error: SeatCoreError };

interface HoldRow extends SeatPlaceRow {
  readonly booking_id: string;
  readonly seat_id: string;
  readonly verdict: 'HELD' | 'FREE' | 'TAKEN' | 'LOCKED' | 'MISSING' | 'RECLAIMED' | 'FREED';
  readonly seat_status: SeatStatus;
  readonly seat_version: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly at: Date;
}

/**
 * Decides many wishes in one statement, each all or nothing on its own, and tells Redis what was committed.
 *
 * @returns one outcome per request, in their order
 */
export async function commitHolds(
  context: Context,
  requests: readonly HoldRequest[],
): Promise<HoldOutcome[]> {
  const rows = await runStatement<HoldRow>(context.database, holdSeatsStatement, [
    requests.map((request) => request.bookingId),
    requests.map((request) => request.userId),
    requests.map((request) => request.requestId),
    requests.flatMap((request) => request.seatIds.map(() => request.bookingId)),
    requests.flatMap((request) => request.seatIds),
    context.settings.holdSeconds,
  ]);
  const rowsOf = groupBy(rows, (row) => row.booking_id);
  const outcomes = requests.map((request) => toOutcome(request, rowsOf.get(request.bookingId) ?? []));
  recordReclaims(context, rows);
  void withinBudget(context, rememberTaken(context, rows));
  const held = outcomes.flatMap((outcome) => (outcome.kind === 'held' ? [outcome.booking] : []));
  await announceCommit(
    context,
    rows.flatMap(toChange),
    held.map((booking) => ({ bookingId: booking.id, seatIds: booking.seats.map((seat) => seat.id) })),
  );
  return outcomes;
}

function toOutcome(request: HoldRequest, rows: readonly HoldRow[]): HoldOutcome {
  const refused = (error: SeatCoreError): HoldOutcome => ({ kind: 'refused', error });
  const idsJudged = (verdict: HoldRow['verdict']) =>
    rows.filter((row) => row.verdict === verdict).map((row) => row.seat_id);

  const missing = idsJudged('MISSING');
  if (missing.length > 0) {
    return refused(
      new SeatCoreError('SEAT_NOT_FOUND', `unknown: ${missing.join(', ')}`, { seatIds: missing }),
    );
  }
  if (new Set(rows.map((row) => row.event_id)).size > 1) {
    const errors = [{ pointer: '/seatIds', detail: 'must name seats of one event' }];
    return refused(new SeatCoreError('VALIDATION_FAILED', 'seats of several events', { errors }));
  }
  const taken = idsJudged('TAKEN');
  if (taken.length > 0) return refused(takenError(taken));
  if (idsJudged('LOCKED').length > 0) {
    return refused(new SeatCoreError('SEAT_LOCKED', 'a seat is being decided about'));
  }
  if (rows.length !== request.seatIds.length || rows.some((row) => row.verdict !== 'HELD')) {
    throw new Error(
      `hold-seats answered ${rows.length} rows that do not fit ${request.seatIds.length} seats`,
    );
  }
  return { kind: 'held', booking: toHeldBooking(request, rows as [HoldRow, ...HoldRow[]]) };
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

function recordReclaims({ metrics }: Context, rows: readonly HoldRow[]): void {
  for (const row of rows) {
    if (row.verdict !== 'RECLAIMED') continue;
    metrics.bookingsExpired.inc({ by: 'reclaim' });
    metrics.expiryLag.observe((row.at.getTime() - row.expires_at!.getTime()) / 1_000);
  }
}

/**
 * The database had to say that a seat is taken, so its key is missing: after a flush, say. Putting it back
 * keeps the crowd behind this request away from PostgreSQL. Should the seat be freed this very moment, the
 * repair of the worker meets the key within its next rounds.
 */
async function rememberTaken({ redis }: Context, rows: readonly HoldRow[]): Promise<void> {
  const known = rows.flatMap((row): CachedSeat[] => {
    if (row.verdict !== 'TAKEN') return [];
    if (row.seat_status === 'SOLD') return [{ seatId: row.seat_id, status: 'SOLD' }];
    return row.expires_at === null
      ? []
      : [{ seatId: row.seat_id, status: 'RESERVED', expiresAt: row.expires_at }];
  });
  await Promise.all(known.map((seat) => cacheSeatStatus(redis, seat)));
}
