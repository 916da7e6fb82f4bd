import type { Redis } from 'ioredis';
import type { Context } from '../options.ts';
import { forgetAvailableSeats } from '../seats/available-seats.ts';
import { InputCheck } from '../validation.ts';
import { cacheSeatStatus, readCachedStatuses, type CachedSeat } from '../redis/gatekeeper.ts';
import { readRows, type NamedStatement } from '../postgres/statement.ts';
import type { SeatStatus } from '../types.ts';

interface TouchedSeatRow {
  readonly event_id: string;
  readonly seat_id: string;
  readonly status: SeatStatus;
  /** Of the hold that has the seat; null when there is none, or it is overdue. */
  readonly expires_at: Date | null;
}

export const longestRepairSeconds = 86_400;
/** What is read from the table at once, and what is asked of Redis at once. */
const secondsPerSlice = 30;
const seatsPerSlice = 500;
/** Repair may take its time: no request waits for it. */
const sliceLimitMs = 500;

/**
 * Compares the keys of all seats that changed lately with the table and mends those that differ: a write
 * that came late, a delete that was lost.
 *
 * @returns how many keys it mended
 */
export async function repairCache(
  context: Context,
  input: { readonly sinceSeconds?: number } = {},
): Promise<number> {
  const check = new InputCheck();
  const sinceSeconds = check.integer('/sinceSeconds', input.sinceSeconds ?? 5, 1, longestRepairSeconds);
  check.throwIfAny();
  let mended = 0;
  const startedAt = performance.now();
  // The newest first. Seconds are counted back from the database's now, which moves on between the slices: the
  // far end of each moves with it, so that none leaves a gap.
  for (let until = 0; until < sinceSeconds; until += secondsPerSlice) {
    const elapsedSeconds = (performance.now() - startedAt) / 1_000;
    const since = Math.min(until + secondsPerSlice, sinceSeconds) + elapsedSeconds;
    mended += await mendTouched(context, since, until);
  }
  if (mended > 0) {
    context.metrics.cacheRepairs.inc(mended);
    context.logger.info({ mended }, 'mended status keys that differed from the table');
  }
  return mended;
}

async function mendTouched(context: Context, since: number, until: number): Promise<number> {
  const touched = await readRows<TouchedSeatRow>(context, touchedSeatsStatement, [since, until]);
  let mended = 0;
  for (let start = 0; start < touched.length; start += seatsPerSlice) {
    const slice = touched.slice(start, start + seatsPerSlice);
    mended += await context.redis.run((client) => mend(client, slice), sliceLimitMs);
  }
  return mended;
}

async function mend(redis: Redis, touched: readonly TouchedSeatRow[]): Promise<number> {
  const cached = await readCachedStatuses(
    redis,
    touched.map((row) => row.seat_id),
  );
  const wrong = touched.filter((row, index) => (cached[index] ?? 'AVAILABLE') !== toCachedSeat(row).status);
  await Promise.all(wrong.map((row) => cacheSeatStatus(redis, toCachedSeat(row))));
  await Promise.all(
    [...new Set(wrong.map((row) => row.event_id))].map((id) => forgetAvailableSeats(redis, id)),
  );
  return wrong.length;
}

/** A seat whose hold is overdue may be held again, so its key says nothing. */
function toCachedSeat({ seat_id: seatId, status, expires_at: expiresAt }: TouchedSeatRow): CachedSeat {
  if (status === 'SOLD') return { seatId, status };
  return expiresAt === null ? { seatId, status: 'AVAILABLE' } : { seatId, status: 'RESERVED', expiresAt };
}

/** Its span is told by a clock that stands still within the statement: with any other no index would serve. */
const touchedSeatsStatement: NamedStatement = {
  name: 'touched-seats',
  text: `
with touched as materialized (
  select distinct event.event_id, seat.id
  from booking_events event
  cross join unnest(event.seat_ids) as seat(id)
  where event.at > statement_timestamp() - make_interval(secs => $1::float8)
    and event.at <= statement_timestamp() - make_interval(secs => $2::float8)
)
select seat.event_id, seat.id as seat_id, seat.status, booking.expires_at
from touched
join seats seat on seat.event_id = touched.event_id and seat.id = touched.id
left join booking_seats line
  on seat.status = 'RESERVED' and line.event_id = seat.event_id and line.seat_id = seat.id and line.live
left join bookings booking
  on booking.id = line.booking_id and booking.event_id = line.event_id and booking.expires_at > clock_timestamp()`,
};
