import type { Statement } from '../postgres/statement.ts';
import { isInTime, isPending } from '../records/booking-conditions.sql.ts';
import { transitionStatement } from '../records/transition.sql.ts';

/**
 * What callers of confirm and release request, one element per request. Of several requests for one booking the first
 * that may see the booking has the effect.
 */
const selected = `
clock as materialized (
  select date_trunc('milliseconds', clock_timestamp()) as at
),
requests as materialized (
  select *
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
    with ordinality as requests(booking_id, owner, actor, request_id, key_id, fingerprint, n)
),
locked as materialized (
  select booking.id, booking.event_id, request.actor, request.request_id, request.key_id, request.fingerprint,
         request.n::int as n
  from requests request
  join bookings booking
    on booking.id = request.booking_id and (request.owner is null or request.owner = booking.user_id)
  where ${isPending('booking')}
    and ${isInTime('booking')}
  order by booking.id
  for no key update of booking
),
due as materialized (
  select distinct on (id) * from locked order by id, n
)`;

const extra = {
  due: ['key_id', 'fingerprint', 'n'],
  booking: ['user_id', 'status', 'total_amount', 'currency', 'created_at', 'confirmed_at'],
  line: ['price_amount'],
  seat: ['section', 'row', 'number'],
};

const effects = `,
remembered as (
  insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
  select key_id, fingerprint, event_id, id, (select at from clock)
  from moved_booking
  where key_id is not null
  order by key_id
)`;

function requestedTransition(
  name: string,
  to: { booking: 'CONFIRMED' | 'CANCELLED'; seat: 'SOLD' | 'AVAILABLE'; cause: string },
): Statement {
  const result = `
select n as request_number, id, event_id, user_id, status, total_amount, currency, created_at, expires_at,
       confirmed_at, null::int as expires_in_seconds, seat_id, section, row, number, price_amount,
       '${to.seat}' as seat_status, version as seat_version, (select at from clock) as at
from changed
order by seat_id`;
  return transitionStatement({ name, selected, ...to, extra, effects, result });
}

/** $1 booking ids, $2 owners or nulls, $3 actors, $4 request ids, $5 key ids or nulls, $6 fingerprints or nulls */
export const confirmBookingsStatement = requestedTransition('confirm-bookings', {
  booking: 'CONFIRMED',
  seat: 'SOLD',
  cause: 'confirm',
});

/** Parameters as those of `confirmBookingsStatement`. */
export const releaseBookingsStatement = requestedTransition('release-bookings', {
  booking: 'CANCELLED',
  seat: 'AVAILABLE',
  cause: 'release',
});
