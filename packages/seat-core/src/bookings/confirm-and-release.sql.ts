import { isInTime, isPending } from '../records/booking-conditions.sql.ts';
import { transitionStatement } from '../records/transition.sql.ts';

/** What callers of confirm and release request, one element per request. */
const requested = `
clock as materialized (
  select date_trunc('milliseconds', clock_timestamp()) as at
),
requests as materialized (
  select *
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
    with ordinality as requests(booking_id, owner, actor, request_id, key_id, fingerprint, n)
),
due as materialized (
  select booking.id, booking.event_id, request.actor, request.request_id, request.key_id, request.fingerprint,
         request.n::int as n
  from bookings booking
  join requests request on request.booking_id = booking.id and (request.owner is null or request.owner = booking.user_id)
  where booking.id = any($1::uuid[])
    and ${isPending('booking')}
    and ${isInTime('booking')}
    and not exists (
      select from requests earlier
      where earlier.booking_id = booking.id and earlier.n < request.n
        and (earlier.owner is null or earlier.owner = booking.user_id)
    )
  order by booking.id
  for no key update of booking
)`;

/** $1 booking ids, $2 owners or nulls, $3 actors, $4 request ids, $5 key ids or nulls, $6 fingerprints or nulls */
export const confirmBookingsStatement = transitionStatement('confirm-bookings', requested, {
  booking: 'CONFIRMED',
  seat: 'SOLD',
  cause: 'confirm',
  isRequested: true,
});

/** Parameters as those of `confirmBookingsStatement`. */
export const releaseBookingsStatement = transitionStatement('release-bookings', requested, {
  booking: 'CANCELLED',
  seat: 'AVAILABLE',
  cause: 'release',
  isRequested: true,
});
