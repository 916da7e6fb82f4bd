import { isInTime, isPending } from '../records/booking-conditions.sql.ts';
import type { Statement } from '../postgres/statement.ts';

/*
 * Hold seats that are AVAILABLE: what nearly every booking is. Many bookings in one statement, each all or nothing on its
 * own. No two of them may name one seat, or one user and event. It meets seats before bookings, so it waits for neither:
 * it takes seats with SKIP LOCKED, as `for no key update`, because a plain `for update skip locked` also skips seats that
 * an order line merely references. A locked seat is read in its newest version. A seat is looked up by its primary key,
 * alone (`lateral … limit 1`), so that no plan depends on how many seats there are.
 *
 * The statement counts the seats that the user already holds; the lock in front of it keeps every other request of the
 * user from counting at the same time. The sale of the event must be open by the statement's clock: the moment of the
 * commit counts, not of the request. An idempotency key that exists refuses the whole statement.
 *
 * The update joins a materialized CTE and nothing over it: PostgreSQL 15 would run other CTEs again when it rechecks a
 * seat that moved on since the snapshot.
 *
 * Rows: one per request. Places (section, row, number, price, version after it) are of those of its seats that are free: of all
 * of them where it has the booking, or the sale or the cap refused it. Of a seat that is not free it does not say why.
 */

const rememberKeys = `,
remembered as (
  insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
  select key_id, fingerprint, event_id, booking_id, at
  from won
  where key_id is not null
  order by key_id
)`;

const textOf = ({ isKeyed }: { readonly isKeyed: boolean }) => `
with clock as materialized (
  select date_trunc('milliseconds', clock_timestamp()) as at
),
offered as materialized (
  select asked.*, clock.at, free.*, sale.opens_at, sale.closes_at, mine.seats as held_before,
         (free.seats = asked.last - asked.first + 1 and sale.closes_at > clock.at
           and (sale.opens_at <= clock.at) is not false and mine.seats + free.seats <= $9) is true as is_held
  from clock
  cross join unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[]${isKeyed ? ', $10::bytea[], $11::bytea[]' : ''})
    with ordinality as asked(booking_id, event_id, user_id, request_id, first, last,${isKeyed ? ' key_id, fingerprint,' : ''} n)
  left join lateral (
    select sales_open_at as opens_at, coalesce(sales_close_at, starts_at) as closes_at
    from events where id = asked.event_id limit 1
  ) sale on true
  cross join lateral (
    select count(*)::int as seats, sum(price_amount) as total_amount, min(currency) as currency,
           array_agg(id) as seat_ids, array_agg(version + 1) as seat_versions, array_agg(price_amount) as prices,
           json_agg(json_build_array(section, "row", number, price_amount, version + 1)) as places
    from unnest(($7::uuid[])[asked.first:asked.last]) as wanted(seat_id)
    cross join lateral (
      select id, section, "row", number, price_amount, currency, version
      from seats
      where event_id = asked.event_id and id = wanted.seat_id and status = 'AVAILABLE'
      limit 1 for no key update skip locked
    ) seat
  ) free
  cross join lateral (
    select coalesce(sum(booking.seat_count), 0)::int as seats
    from bookings booking
    where booking.event_id = asked.event_id and booking.user_id = asked.user_id
      -- The first condition matches the partial index bookings_live_of_user_idx, the second one counts.
      and booking.status in ('PENDING', 'CONFIRMED') and ${isPending('booking')}
      and ${isInTime('booking')}
  ) mine
),
won as materialized (
  select booking_id, event_id, user_id, request_id,${isKeyed ? ' key_id, fingerprint,' : ''} seats, total_amount, currency, seat_ids,
         seat_versions, prices, at, at + make_interval(secs => $8::float8) as expires_at
  from offered
  where is_held
),
line as materialized (
  select event_id, booking_id, unnest(seat_ids) as seat_id, unnest(prices) as price_amount from won
),
held as (
  insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at)
  select booking_id, event_id, user_id, 'PENDING', seats, total_amount, currency, at, expires_at from won
),
opened as (
  insert into booking_seats (event_id, booking_id, seat_id, price_amount, live)
  select event_id, booking_id, seat_id, price_amount, true from line
),
changed as (
  update seats seat set status = 'RESERVED', version = seat.version + 1
  from line
  where seat.event_id = line.event_id and seat.id = line.seat_id
),
recorded as (
  insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, request_id, at,
                              seat_ids, seat_versions, user_id, prices, currency, expires_at)
  select event_id, booking_id, null, 'PENDING', 'hold', user_id, request_id, at,
         seat_ids, seat_versions, user_id, prices, currency, expires_at
  from won
)${isKeyed ? rememberKeys : ''}
select n::int, is_held, places, currency, held_before, opens_at, closes_at, at from offered`;

/**
 * One element per request: $1 booking ids, $2 event ids, $3 users, $4 request ids, $5 and $6 the places of its first and last
 * seat in $7; $7 seat ids, in ascending order for each request; $8 seconds of a hold, $9 cap on held seats. `keyed`, for
 * batches in which a request has an idempotency key, also $10 key ids or nulls, $11 fingerprints or nulls.
 */
export const holdFreeSeatsStatements = {
  plain: { name: 'hold-free-seats', text: textOf({ isKeyed: false }) },
  keyed: { name: 'hold-free-seats-keyed', text: textOf({ isKeyed: true }) },
} as const satisfies Record<string, Statement>;
