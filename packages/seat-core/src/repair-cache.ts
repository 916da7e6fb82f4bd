import type { Context } from './context.ts';
import { forgetAvailableSeats } from './available-seats.ts';
import { InputCheck } from './input.ts';
import { cacheSeatStatus, readCachedStatuses, type CachedSeat } from './seat-status-cache.ts';
import { readRows, type NamedStatement } from './statement.ts';
import type { SeatStatus } from './views.ts';

interface TouchedSeatRow {
  readonly event_id: string;
  readonly seat_id: string;
  readonly status: SeatStatus;
  /** Of the hold that has the seat; null when there is none, or it is overdue. */
  readonly expires_at: Date | null;
}

const seatsPerSlice = 1_000;

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
  const sinceSeconds = check.integer('/sinceSeconds', input.sinceSeconds ?? 5, 1, 3_600);
  check.throwIfAny();
  const touched = await readRows<TouchedSeatRow>(context, touchedSeatsStatement, [sinceSeconds]);
  let mended = 0;
  for (let start = 0; start < touched.length; start += seatsPerSlice) {
    mended += await mend(context, touched.slice(start, start + seatsPerSlice));
  }
  if (mended > 0) {
    context.metrics.cacheRepairs.inc(mended);
    context.logger.info({ mended }, 'mended status keys that differed from the table');
  }
  return mended;
}

async function mend({ redis }: Context, touched: readonly TouchedSeatRow[]): Promise<number> {
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

const touchedSeatsStatement: NamedStatement = {
  name: 'touched-seats',
  text: `
with touched as materialized (
  select distinct event.event_id, seat.id
  from booking_events event
  cross join unnest(event.seat_ids) as seat(id)
  where event.at > clock_timestamp() - make_interval(secs => $1::float8)
)
select seat.event_id, seat.id as seat_id, seat.status, booking.expires_at
from touched
join seats seat on seat.event_id = touched.event_id and seat.id = touched.id
left join booking_seats line
  on seat.status = 'RESERVED' and line.event_id = seat.event_id and line.seat_id = seat.id and line.live
left join bookings booking
  on booking.id = line.booking_id and booking.event_id = line.event_id and booking.expires_at > clock_timestamp()`,
};
