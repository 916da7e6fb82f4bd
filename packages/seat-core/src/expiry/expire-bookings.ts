import { failpoint } from '#failpoint';
import { publishCommit, type PublishDependencies, type SeatChange } from '../announce/publish-commit.ts';
import { SeatCoreError } from '../errors.ts';
import { groupBy } from '../group-by.ts';
import type { Connections } from '../postgres/connections.ts';
import { GroupCommit } from '../postgres/group-commit.ts';
import type { Statement } from '../postgres/statement.ts';
import { withKnownOutcome } from '../postgres/unknown-outcome.ts';
import { Permits } from '../resilience/permits.ts';
import { InputCheck } from '../validation.ts';
import { expireBookingsStatement, nextDueStatement, sweepOverdueStatement } from './expiry.sql.ts';

export interface ExpireBookingsResult {
  /** How many of the bookings this call expired. */
  readonly expired: number;
  /**
   * How long, in ms by the database's clock, the earliest of the still PENDING bookings has left: 0 when it is overdue
   * and another transaction has locked it; null when none is PENDING.
   */
  readonly nextDueInMs: number | null;
}

interface ExpiryDependencies extends PublishDependencies {
  readonly connections: Connections;
}

/** A seat of an expired booking. */
interface ExpiredSeatRow {
  /** Of the booking. */
  readonly id: string;
  readonly event_id: string;
  readonly expires_at: Date;
  readonly seat_id: string;
  /** bigint arrives as text. */
  readonly seat_version: string;
  /** The statement's moment by the database's clock. */
  readonly at: Date;
}

/** The clean-up jobs that wait for a commit, each as its booking ids: `commitExpirations` decides a batch of them. */
type ExpirationBatches = GroupCommit<readonly string[], number>;

/** The most that one call of `sweepOverdue` expires. */
export const maxSweep = 500;

/** The actor in `booking_events` when a job or the sweep ends a hold; a reclaim writes `seat-core`. */
const actor = 'expiry';

/** What the verbs below share. */
export interface Expiry extends ExpiryDependencies {
  readonly batches: ExpirationBatches;
  /**
   * One statement of a process at a time. Beside each other, jobs and sweep would skip what the other has locked, and such
   * a job fails: of 625 jobs for 20,000 holds, due at once, 200 to 300 failed.
   */
  readonly turns: Permits;
}

export function createExpiry(dependencies: ExpiryDependencies): Expiry {
  const turns = new Permits({ size: 1, maxWaiting: 100, maxWaitMs: 1_000 });
  const batches: ExpirationBatches = new GroupCommit({
    commit: (jobs: readonly (readonly string[])[]) => commitExpirations({ ...dependencies, turns }, jobs),
    onBatch: (size) => dependencies.metrics.commitBatchSize.observe(size),
  });
  return { ...dependencies, turns, batches };
}

/** Expires those of the given bookings that are PENDING and overdue. @see SeatCore.expireBookings */
export async function expireBookings(
  { connections, batches, logger }: Expiry,
  input: { readonly bookingIds: readonly string[] },
): Promise<ExpireBookingsResult> {
  const check = new InputCheck(input);
  const ids = check
    .list('/bookingIds', input.bookingIds)
    .map((id, index) => check.id(`/bookingIds/${index}`, id));
  check.throwIfAny();
  failpoint('expire-started');
  const expired = await withKnownOutcome(logger, () => batches.submit(ids));
  if (expired === ids.length) return { expired, nextDueInMs: null };
  const [row] = await connections.rows<{ due_in_ms: number | null }>(nextDueStatement, [ids]);
  return { expired, nextDueInMs: row?.due_in_ms ?? null };
}

/**
 * Expires the overdue bookings of many jobs in one statement.
 *
 * @returns how many of each job's bookings it expired, in the order of the jobs
 */
async function commitExpirations(
  dependencies: Omit<Expiry, 'batches'>,
  jobs: readonly (readonly string[])[],
): Promise<number[]> {
  const values = [jobs.flat(), actor];
  const rows = await commitInTurn(dependencies, expireBookingsStatement, values);
  failpoint('expire-committed');
  void dependencies.background.withinBudget(publishExpiry(dependencies, 'job', rows));
  const expired = new Set(rows.map((row) => row.id));
  return jobs.map((ids) => ids.filter((id) => expired.has(id)).length);
}

/** Expires overdue bookings that no job ended, oldest first. @see SeatCore.sweepOverdue */
export async function sweepOverdue(
  dependencies: Omit<Expiry, 'batches'>,
  input: { readonly limit?: number } = {},
): Promise<number> {
  const check = new InputCheck(input);
  const limit = check.integer('/limit', input.limit ?? maxSweep, 1, maxSweep);
  check.throwIfAny();
  const values = [limit, actor];
  return withKnownOutcome(dependencies.logger, async () => {
    const rows = await commitInTurn(dependencies, sweepOverdueStatement, values);
    failpoint('sweep-round');
    return publishExpiry(dependencies, 'sweep', rows);
  });
}

async function commitInTurn(
  { connections, turns }: Pick<Expiry, 'connections' | 'turns'>,
  statement: Statement,
  values: readonly unknown[],
): Promise<ExpiredSeatRow[]> {
  const giveBack = await turns.take().catch((cause: unknown) => {
    throw new SeatCoreError(
      'OVERLOADED',
      'more bookings expire than can be committed in time',
      {},
      { cause },
    );
  });
  try {
    return await connections.commit<ExpiredSeatRow>(statement, values);
  } finally {
    giveBack();
  }
}

/** @returns how many bookings expired */
async function publishExpiry(
  dependencies: ExpiryDependencies,
  by: 'job' | 'sweep',
  rows: readonly ExpiredSeatRow[],
): Promise<number> {
  const expired = groupBy(rows, (row) => row.id);
  for (const [{ at, expires_at: expiresAt }] of expired.values()) {
    dependencies.metrics.bookingsExpired.inc({ by });
    dependencies.metrics.expiryLag.observe((at.getTime() - expiresAt.getTime()) / 1_000);
  }
  await publishCommit(dependencies, rows.map(toFreedSeat));
  return expired.size;
}

function toFreedSeat({
  seat_id: seatId,
  event_id: eventId,
  seat_version: version,
}: ExpiredSeatRow): SeatChange {
  return { seatId, eventId, version: Number(version), status: 'AVAILABLE' };
}
