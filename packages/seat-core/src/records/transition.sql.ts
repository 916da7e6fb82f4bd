import type { Statement } from '../postgres/statement.ts';

/*
 * A transition: PENDING bookings become CONFIRMED, CANCELLED or EXPIRED, many in one statement. Bookings are locked by
 * id, then their seats by id: the one lock order of the engine. The transaction that locks the booking's row first
 * wins: the status, not the clock, keeps two transitions from both having an effect, and a seat follows its booking.
 *
 * Of several requests for one booking the first that may see the booking has the effect.
 *
 * Rows: one per seat of each booking that moved. A booking without rows was refused.
 */

/**
 * Composes a transition statement.
 *
 * @param selected CTEs `clock` and `due` (id, event_id, actor, request_id; for requests also n, key_id, fingerprint):
 *   which bookings move, locked in order of id
 */
export function transitionStatement(
  name: string,
  selected: string,
  to: {
    booking: 'CONFIRMED' | 'CANCELLED' | 'EXPIRED';
    seat: 'SOLD' | 'AVAILABLE';
    cause: string;
    isRequested?: true;
  },
): Statement {
  const isSale = to.booking === 'CONFIRMED';
  return {
    name,
    text: `
with ${selected.trim()},
moved_booking as (
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
      to.isRequested
        ? `,
remembered as (
  insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
  select due.key_id, due.fingerprint, moved_booking.event_id, moved_booking.id, (select at from clock)
  from moved_booking
  join due on due.id = moved_booking.id
  where due.key_id is not null
  order by due.key_id
)`
        : ''
    }
select ${to.isRequested ? 'due.n as request_number, ' : ''}moved_booking.id, moved_booking.event_id, moved_booking.user_id, moved_booking.status, moved_booking.total_amount, moved_booking.currency,
       moved_booking.created_at, moved_booking.expires_at, moved_booking.confirmed_at, null::int as expires_in_seconds,
       line.seat_id, changed.section, changed.row, changed.number, line.price_amount,
       changed.status as seat_status, changed.version as seat_version, (select at from clock) as at
from moved_booking
${to.isRequested ? 'join due on due.id = moved_booking.id' : ''}
join line on line.booking_id = moved_booking.id
join changed on changed.event_id = line.event_id and changed.id = line.seat_id
order by moved_booking.id, line.seat_id`,
  };
}
