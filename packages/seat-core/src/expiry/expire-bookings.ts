import { failpoint } from '#failpoint';
import type { BookingRow } from '../records/booking-rows.ts';
import type { Context } from '../options.ts';
import { groupBy } from '../group-by.ts';
import { InputCheck } from '../validation.ts';
import { isPending } from '../records/is-pending.sql.ts';
import { announceCommit } from '../announce/publish-commit.ts';
import { expireBookingsStatement, sweepOverdueStatement } from '../bookings/transitions.sql.ts';
import { toSettledChange } from '../bookings/settle-booking.ts';
import { commitStatement, readRows, type NamedStatement } from '../postgres/statement.ts';

export interface ExpireBookingsResult {
  /** How many of the bookings this call ended. */
  readonly expired: number;
  /**
   * For how long the earliest of those that are still PENDING has to wait, by the database's clock: 0 when it
   * is overdue and another transaction is deciding about it; null when none is PENDING.
   */
  readonly nextDueInMs: number | null;
}

/** Who is named in the history when a deadline ends a hold. */
const actor = 'expiry';

/** Ends those of the given bookings that are PENDING and overdue by the database's clock. */
export async function expireBookings(
  context: Context,
  input: { readonly bookingIds: readonly string[] },
): Promise<ExpireBookingsResult> {
  const check = new InputCheck();
  const ids = input.bookingIds.map((id, index) => check.id(`/bookingIds/${index}`, id));
  check.throwIfAny();
  failpoint('expire-asked');
  const expired = await context.expirations.submit(ids);
  return { expired, nextDueInMs: expired === ids.length ? null : await nextDue(context, ids) };
}

/**
 * Ends what is overdue of many jobs in one statement. @returns how many of each job's bookings, in their order
 */
export async function commitExpirations(
  context: Context,
  jobs: readonly (readonly string[])[],
): Promise<number[]> {
  const values = [jobs.flat(), actor];
  const rows = await commitStatement<BookingRow>(context, expireBookingsStatement, values);
  failpoint('expire-committed');
  void announceExpiry(context, 'job', rows);
  const expired = new Set(rows.map((row) => row.id));
  return jobs.map((ids) => ids.filter((id) => expired.has(id)).length);
}

/** Ends overdue holds that no job covered, oldest first. @returns how many; `limit` means there may be more */
export async function sweepOverdue(
  context: Context,
  input: { readonly limit?: number } = {},
): Promise<number> {
  const check = new InputCheck();
  const limit = check.integer('/limit', input.limit ?? 500, 1, 500);
  check.throwIfAny();
  const values = [limit, actor];
  const rows = await commitStatement<BookingRow>(context, sweepOverdueStatement, values);
  failpoint('sweep-round');
  return announceExpiry(context, 'sweep', rows);
}

async function announceExpiry(
  context: Context,
  by: 'job' | 'sweep',
  rows: readonly BookingRow[],
): Promise<number> {
  const expired = groupBy(rows, (row) => row.id);
  for (const [{ at, expires_at: expiresAt }] of expired.values()) {
    context.metrics.bookingsExpired.inc({ by });
    context.metrics.expiryLag.observe((at.getTime() - expiresAt.getTime()) / 1_000);
  }
  await announceCommit(context, rows.map(toSettledChange));
  return expired.size;
}

async function nextDue(context: Context, ids: readonly string[]): Promise<number | null> {
  const [row] = await readRows<{ due_in_ms: number | null }>(context, nextDueStatement, [ids]);
  return row?.due_in_ms ?? null;
}

const nextDueStatement: NamedStatement = {
  name: 'next-due',
  text: `
select case when count(*) > 0
  then ceil(greatest(0, extract(epoch from min(expires_at) - clock_timestamp())) * 1000)::float8 end as due_in_ms
from bookings where id = any($1::uuid[]) and ${isPending('bookings')}`,
};
