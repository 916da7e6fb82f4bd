import { isInTime, isOverdue, isPending } from '../records/booking-conditions.sql.ts';
import type { Statement } from '../postgres/statement.ts';

/*
 * Hold any seats, those of overdue holds included: many bookings in one statement, each all or nothing on its own. Like
 * the statement of free seats it meets seats before bookings, so it must not wait for either: it takes every row with
 * SKIP LOCKED. The lock is `for no key
 * update`, because a plain `for update skip locked` also skips seats that an order line merely references. An overdue
 * hold is reclaimed only when all of its seats could be locked; else it stays, and its seat is LOCKED. (Measured:
 * without that rule three deadlocks in 32 s on hot seats, with it none.)
 *
 * A locked row is read in its newest version, every other row as of the statement's snapshot. If a RESERVED seat's
 * version moved on since the snapshot, its holder cannot be seen: the verdict is TAKEN.
 *
 * One update moves each seat, also a seat that is reclaimed and held at once (two versions on), because a second update
 * of a row in one statement silently does nothing. CTEs that lock or update rows in a join name other CTEs only, without
 * union or subquery over them (`locked` locks in a lateral of its own): PostgreSQL 15 would run those again when it
 * rechecks a row that moved on since the snapshot, and every later reader would meet their rows twice. `opened` reads from `closed`, because CTEs run in no
 * fixed order and the partial unique index would else meet two live lines of a seat.
 *
 * Seats are looked up one by one (`lateral … limit 1`): a plan that was made before the first ANALYZE of a new event would
 * else be one for thousands of rows.
 *
 * Of several requests for one seat in one batch only the first may have it: the seat is TAKEN for the others, or LOCKED
 * if the first fails for another reason. At least one request is first for all of its seats, so a batch always makes progress.
 *
 * The sale of the event must be open by the statement's clock: the moment of the commit counts, not of the request.
 *
 * The statement counts the seats that the user already holds; the lock in front of it keeps every other request of the
 * user from counting at the same time. An idempotency key that exists refuses the whole statement.
 *
 * Rows: one per requested seat with its verdict. HELD: the booking was made. If the booking was refused: FREE, TAKEN
 * (with the seat's status and the hold's deadline), LOCKED, MISSING, NOT_OPEN (with the opening) or CLOSED; if every row is
 * FREE, the user's hold limit refused it. Besides, one RECLAIMED per overdue hold that was expired, and one FREED per seat
 * that is AVAILABLE now.
 */

/**
 * $1 booking ids, $2 users, $3 request ids, $4 key ids or nulls, $5 fingerprints or nulls; $6, $7 and $8 booking id,
 * event id and seat id of each requested seat; $9 seconds of a hold, $10 cap on held seats
 */
export const holdSeatsStatement: Statement = {
  name: 'hold-seats',
  text: `
with clock as materialized (
  select date_trunc('milliseconds', clock_timestamp()) as at
),
asked as materialized (
  select *
  from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
    with ordinality as asked(booking_id, user_id, request_id, key_id, fingerprint, n)
),
wanted as materialized (
  select * from unnest($6::uuid[], $7::uuid[], $8::uuid[]) as wanted(booking_id, event_id, seat_id)
),
named as materialized (
  select distinct event_id, seat_id as id from wanted
),
seen as materialized (
  select seat.*
  from named
  cross join lateral (
    select event_id, id, status, version from seats where event_id = named.event_id and id = named.id limit 1
  ) seat
),
sale as materialized (
  select event.*
  from (select distinct event_id from seen) seen_event
  cross join lateral (
    select id, sales_open_at as opens_at, coalesce(sales_close_at, starts_at) as closes_at
    from events where id = seen_event.event_id limit 1
  ) event
),
locked as materialized (
  select seat.*
  from (select * from named order by id) named
  cross join lateral (
    select * from seats where event_id = named.event_id and id = named.id limit 1 for no key update skip locked
  ) seat
),
holder as materialized (
  select line.seat_id, line.booking_id, line.event_id, booking.expires_at,
         ${isOverdue('booking')} as is_overdue
  from locked
  join seen on seen.id = locked.id and seen.version = locked.version
  join booking_seats line on line.event_id = locked.event_id and line.seat_id = locked.id and line.live
  join bookings booking on booking.id = line.booking_id and booking.event_id = line.event_id
  where locked.status = 'RESERVED'
),
overdue_holder as materialized (
  select distinct booking_id, event_id from holder where is_overdue
),
overdue as materialized (
  select booking.id, booking.event_id, booking.expires_at, booking.seat_count
  from overdue_holder
  join bookings booking on booking.id = overdue_holder.booking_id and booking.event_id = overdue_holder.event_id
  where ${isPending('booking')}
    and ${isOverdue('booking')}
  order by booking.id
  for no key update of booking skip locked
),
overdue_seat as materialized (
  select seat.event_id, seat.id, line.booking_id
  from overdue
  join booking_seats line on line.event_id = overdue.event_id and line.booking_id = overdue.id
  join seats seat on seat.event_id = line.event_id and seat.id = line.seat_id
  order by seat.id
  for no key update of seat skip locked
),
reclaimable as materialized (
  select overdue.*
  from overdue
  where overdue.seat_count = (select count(*) from overdue_seat where overdue_seat.booking_id = overdue.id)
),
judged as materialized (
  select wanted.booking_id, wanted.seat_id, seen.event_id, locked.section, locked.row, locked.number,
         locked.price_amount, locked.currency, reclaimable.id as reclaimed_booking_id,
         coalesce(locked.status, seen.status) as seat_status, holder.expires_at as held_until, sale.opens_at,
         case
           when seen.id is null then 'MISSING'
           when sale.opens_at > clock.at then 'NOT_OPEN'
           when sale.closes_at <= clock.at then 'CLOSED'
           when locked.id is null then case seen.status when 'SOLD' then 'TAKEN' else 'LOCKED' end
           when locked.status = 'AVAILABLE' or reclaimable.id is not null then 'FREE'
           when holder.is_overdue then 'LOCKED'
           else 'TAKEN'
         end as verdict
  from wanted
  cross join clock
  left join seen on seen.id = wanted.seat_id
  left join sale on sale.id = seen.event_id
  left join locked on locked.id = wanted.seat_id
  left join holder on holder.seat_id = wanted.seat_id
  left join reclaimable on reclaimable.id = holder.booking_id
),
available as materialized (
  select asked.n, asked.booking_id, asked.user_id, asked.request_id, asked.key_id, asked.fingerprint,
         (array_agg(judged.event_id))[1] as event_id, min(judged.currency) as currency,
         count(*) as seat_count, sum(judged.price_amount) as total_amount
  from asked
  join judged on judged.booking_id = asked.booking_id
  group by asked.n, asked.booking_id, asked.user_id, asked.request_id, asked.key_id, asked.fingerprint
  having bool_and(judged.verdict = 'FREE')
),
first as materialized (
  select judged.seat_id, min(available.n) as n
  from available
  join judged on judged.booking_id = available.booking_id
  group by judged.seat_id
),
foremost as materialized (
  select available.*
  from available
  where not exists (
    select from judged
    join first on first.seat_id = judged.seat_id
    where judged.booking_id = available.booking_id and first.n < available.n
  )
),
capped as materialized (
  select foremost.*,
         (coalesce(mine.seats, 0) + coalesce(sum(foremost.seat_count) over earlier, 0))::int as held_before
  from foremost
  cross join lateral (
    select sum(booking.seat_count) as seats
    from bookings booking
    where booking.event_id = foremost.event_id and booking.user_id = foremost.user_id
      -- The first condition matches the partial index bookings_live_of_user_idx, the second one counts.
      and booking.status in ('PENDING', 'CONFIRMED') and ${isPending('booking')}
      and ${isInTime('booking')}
  ) mine
  window earlier as (
    partition by foremost.event_id, foremost.user_id order by foremost.n rows between unbounded preceding and 1 preceding
  )
),
won as materialized (
  select * from capped where held_before + seat_count <= $10
),
won_seat as materialized (
  select judged.* from judged join won on won.booking_id = judged.booking_id
),
reclaimed as materialized (
  select reclaimable.*
  from reclaimable
  where exists (select from won_seat where won_seat.reclaimed_booking_id = reclaimable.id)
),
expired as (
  update bookings booking set status = 'EXPIRED'
  from reclaimed
  where booking.id = reclaimed.id and booking.event_id = reclaimed.event_id
),
closed as (
  update booking_seats line set live = false
  from reclaimed
  where line.event_id = reclaimed.event_id and line.booking_id = reclaimed.id
  returning line.seat_id
),
held as (
  insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at)
  select won.booking_id, won.event_id, won.user_id, 'PENDING', won.seat_count, won.total_amount, won.currency,
         clock.at, clock.at + make_interval(secs => $9::float8)
  from won cross join clock
  returning id, event_id, user_id, currency, created_at, expires_at
),
opened as (
  insert into booking_seats (event_id, booking_id, seat_id, price_amount, live)
  select won_seat.event_id, won_seat.booking_id, won_seat.seat_id, won_seat.price_amount, true
  from won_seat cross join (select count(*) from closed) as after_closing
  order by won_seat.event_id, won_seat.seat_id
),
change as materialized (
  select event_id, seat_id, 'RESERVED' as status, case when reclaimed_booking_id is null then 1 else 2 end as steps
  from won_seat
  union all
  select overdue_seat.event_id, overdue_seat.id, 'AVAILABLE', 1
  from overdue_seat
  join reclaimed on reclaimed.id = overdue_seat.booking_id
  where not exists (select from won_seat where won_seat.seat_id = overdue_seat.id)
),
changed as (
  update seats seat
  set status = change.status, version = seat.version + change.steps
  from change
  where seat.event_id = change.event_id and seat.id = change.seat_id
  returning seat.event_id, seat.id, seat.status, seat.version
),
recorded as (
  insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, request_id, at,
                              seat_ids, seat_versions, user_id, prices, currency, expires_at)
  select reclaimed.event_id, reclaimed.id, 'PENDING', 'EXPIRED', 'reclaim', 'seat-core', null, clock.at,
         array_agg(changed.id order by changed.id),
         array_agg(case changed.status when 'RESERVED' then changed.version - 1 else changed.version end
                   order by changed.id),
         null, null::bigint[], null, null::timestamptz
  from reclaimed
  join overdue_seat on overdue_seat.booking_id = reclaimed.id
  join changed on changed.event_id = overdue_seat.event_id and changed.id = overdue_seat.id
  cross join clock
  group by reclaimed.event_id, reclaimed.id, clock.at
  union all
  select held.event_id, held.id, null, 'PENDING', 'hold', held.user_id, won.request_id, held.created_at,
         array_agg(changed.id order by changed.id), array_agg(changed.version order by changed.id),
         held.user_id, array_agg(won_seat.price_amount order by changed.id), held.currency, held.expires_at
  from held
  join won on won.booking_id = held.id
  join won_seat on won_seat.booking_id = held.id
  join changed on changed.event_id = won_seat.event_id and changed.id = won_seat.seat_id
  group by held.event_id, held.id, held.user_id, won.request_id, held.created_at, held.currency, held.expires_at
),
remembered as (
  insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
  select won.key_id, won.fingerprint, held.event_id, held.id, held.created_at
  from held
  join won on won.booking_id = held.id
  where won.key_id is not null
  order by won.key_id
)
select judged.booking_id, judged.seat_id,
       case
         when held.id is not null then 'HELD'
         when judged.verdict = 'FREE' and first.n < available.n then
           case when exists (select from won_seat where won_seat.seat_id = judged.seat_id) then 'TAKEN' else 'LOCKED' end
         else judged.verdict
       end as verdict,
       judged.event_id, judged.section, judged.row, judged.number, judged.price_amount, judged.currency,
       coalesce(changed.status, judged.seat_status) as seat_status, changed.version as seat_version, capped.held_before,
       held.created_at, coalesce(held.expires_at, judged.held_until) as expires_at, judged.opens_at, clock.at
from judged
cross join clock
left join available on available.booking_id = judged.booking_id
left join first on first.seat_id = judged.seat_id
left join capped on capped.booking_id = judged.booking_id
left join held on held.id = judged.booking_id
left join changed on changed.event_id = held.event_id and changed.id = judged.seat_id
union all
select reclaimed.id, null, 'RECLAIMED', reclaimed.event_id, null, null, null, null, null,
       null, null, null, null, reclaimed.expires_at, null, clock.at
from reclaimed cross join clock
union all
select overdue_seat.booking_id, changed.id, 'FREED', changed.event_id, null, null, null, null, null,
       changed.status, changed.version, null, null, null, null, clock.at
from changed
join overdue_seat on overdue_seat.event_id = changed.event_id and overdue_seat.id = changed.id
cross join clock
where changed.status = 'AVAILABLE'`,
};
