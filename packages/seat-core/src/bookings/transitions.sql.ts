import { isInTime, isOverdue, isPending } from '../records/is-pending.sql.ts';
import type { NamedStatement } from '../postgres/statement.ts';

/*
 * Settle: a PENDING booking becomes CONFIRMED, CANCELLED or EXPIRED, many in one statement. Bookings are
 * locked by id, then their seats by id: the one order of the engine. Whoever holds the booking's row decides:
 * the status, not the clock, keeps two transitions from both winning, and a seat follows its booking.
 *
 * Of several wishes for one booking the first that may see it has the effect.
 *
 * Rows: one per seat of each booking that was settled; a booking without rows was refused.
 */

/** What a caller of confirm and release sends, one element per booking. */
const asked = `
clock as materialized (
  select date_trunc('milliseconds', clock_timestamp()) as at
),
asked as materialized (
  select *
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
    with ordinality as asked(booking_id, owner, actor, request_id, key_id, fingerprint, n)
),
due as materialized (
  select booking.id, booking.event_id, asked.actor, asked.request_id, asked.key_id, asked.fingerprint,
         asked.n::int as n
  from bookings booking
  join asked on asked.booking_id = booking.id and (asked.owner is null or asked.owner = booking.user_id)
  where booking.id = any($1::uuid[])
    and ${isPending('booking')}
    and ${isInTime('booking')}
    and not exists (
      select from asked earlier
      where earlier.booking_id = booking.id and earlier.n < asked.n
        and (earlier.owner is null or earlier.owner = booking.user_id)
    )
  order by booking.id
  for no key update of booking
)`;

/** Overdue by the database's clock. Passes over what another transaction is settling: it needs no help. */
function overdue(selection: { pending: string; condition: string; limit: string }): string {
  return `
clock as materialized (
  select date_trunc('milliseconds', clock_timestamp()) as at
),
due as materialized (
  select booking.id, booking.event_id, $2::text as actor, null::text as request_id
  from bookings booking
  where ${selection.pending}
    and ${isOverdue('booking')}
    ${selection.condition}
  ${selection.limit}
  for no key update skip locked
)`;
}

function settle(
  name: string,
  selected: string,
  to: {
    booking: 'CONFIRMED' | 'CANCELLED' | 'EXPIRED';
    seat: 'SOLD' | 'AVAILABLE';
    cause: string;
    isAsked?: true;
  },
): NamedStatement {
  const isSale = to.booking === 'CONFIRMED';
  return {
    name,
    text: `
with ${selected.trim()},
settled as (
  update bookings booking
  set status = '${to.booking}'${isSale ? ', confirmed_at = (select at from clock)' : ''}
  from due
  where booking.id = due.id and booking.event_id = due.event_id
  returning booking.*
),
line as materialized (
  select line.*
  from due
  join booking_seats line on line.event_id = due.event_id and line.booking_id = due.id
),${
      isSale
        ? ''
        : `
closed as (
  update booking_seats closing set live = false
  from line
  where closing.event_id = line.event_id and closing.booking_id = line.booking_id and closing.seat_id = line.seat_id
),`
    }
seat as materialized (
  select seat.event_id, seat.id
  from seats seat
  join line on line.event_id = seat.event_id and line.seat_id = seat.id
  order by seat.id
  for no key update of seat
),
changed as (
  update seats moving set status = '${to.seat}', version = moving.version + 1
  from seat
  where moving.event_id = seat.event_id and moving.id = seat.id
  returning moving.*
),
recorded as (
  insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, request_id, at,
                              seat_ids, seat_versions)
  select due.event_id, due.id, 'PENDING', '${to.booking}', '${to.cause}', due.actor, due.request_id,
         (select at from clock),
         array_agg(changed.id order by changed.id), array_agg(changed.version order by changed.id)
  from due
  join line on line.booking_id = due.id
  join changed on changed.event_id = line.event_id and changed.id = line.seat_id
  group by due.event_id, due.id, due.actor, due.request_id
)${
      to.isAsked
        ? `,
remembered as (
  insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
  select due.key_id, due.fingerprint, settled.event_id, settled.id, (select at from clock)
  from settled
  join due on due.id = settled.id
  where due.key_id is not null
  order by due.key_id
)`
        : ''
    }
select ${to.isAsked ? 'due.n as asked_as, ' : ''}settled.id, settled.event_id, settled.user_id, settled.status, settled.total_amount, settled.currency,
       settled.created_at, settled.expires_at, settled.confirmed_at, null::int as expires_in_seconds,
       line.seat_id, changed.section, changed.row, changed.number, line.price_amount,
       changed.status as seat_status, changed.version as seat_version, (select at from clock) as at
from settled
${to.isAsked ? 'join due on due.id = settled.id' : ''}
join line on line.booking_id = settled.id
join changed on changed.event_id = line.event_id and changed.id = line.seat_id
order by settled.id, line.seat_id`,
  };
}

/** $1 booking ids, $2 owners or nulls, $3 actors, $4 request ids, $5 key ids or nulls, $6 fingerprints or nulls */
export const confirmBookingsStatement = settle('confirm-bookings', asked, {
  booking: 'CONFIRMED',
  seat: 'SOLD',
  cause: 'confirm',
  isAsked: true,
});

/** Parameters as those of `confirmBookingsStatement`. */
export const releaseBookingsStatement = settle('release-bookings', asked, {
  booking: 'CANCELLED',
  seat: 'AVAILABLE',
  cause: 'release',
  isAsked: true,
});

/** $1 booking ids, $2 actor */
export const expireBookingsStatement = settle(
  'expire-bookings',
  overdue({
    pending: isPending('booking'),
    condition: 'and booking.id = any($1::uuid[])',
    limit: 'order by booking.id',
  }),
  { booking: 'EXPIRED', seat: 'AVAILABLE', cause: 'job' },
);

/** $1 how many at most, $2 actor */
export const sweepOverdueStatement = settle(
  'sweep-overdue',
  overdue({
    pending: `booking.status = 'PENDING'`,
    condition: '',
    limit: 'order by booking.expires_at limit $1',
  }),
  { booking: 'EXPIRED', seat: 'AVAILABLE', cause: 'sweep' },
);
