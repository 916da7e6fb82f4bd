/*
 * The invariants, each as a query for the rows that violate it. Each query reads whole tables once. A transition is one
 * statement, so an invariant holds at any moment. `detail` says which row violates it and why.
 */
export const auditChecks = {
  // AVAILABLE: no live booking. RESERVED: exactly one PENDING. SOLD: exactly one CONFIRMED.
  'seat-status': `
    select format('seat %s is %s, and its live bookings are: %s', seat.id, seat.status, coalesce(held.statuses, 'none')) as detail
    from seats seat
    left join (
      select line.event_id, line.seat_id, string_agg(coalesce(booking.status, 'missing'), ', ') as statuses
      from booking_seats line
      left join bookings booking on booking.event_id = line.event_id and booking.id = line.booking_id
      where line.live
      group by line.event_id, line.seat_id
    ) held on held.event_id = seat.event_id and held.seat_id = seat.id
    where (seat.status, coalesce(held.statuses, '')) not in (('AVAILABLE', ''), ('RESERVED', 'PENDING'), ('SOLD', 'CONFIRMED'))`,

  'line-live': `
    select format('the line of booking %s for seat %s has live = %s, the booking is %s, the seat %s', line.booking_id, line.seat_id,
             line.live, coalesce(booking.status, 'missing'), case when seat.id is null then 'missing' else 'there' end) as detail
    from booking_seats line
    left join bookings booking on booking.event_id = line.event_id and booking.id = line.booking_id
    left join seats seat on seat.event_id = line.event_id and seat.id = line.seat_id
    where booking.id is null or seat.id is null or line.live <> (booking.status in ('PENDING', 'CONFIRMED'))`,

  'booking-total': `
    select format('booking %s is of %s seats for %s, its lines are %s for %s', booking.id, booking.seat_count,
             booking.total_amount, coalesce(line.seats, 0), coalesce(line.amount, 0)) as detail
    from bookings booking
    left join (
      select event_id, booking_id, count(*) as seats, sum(price_amount) as amount
      from booking_seats group by event_id, booking_id
    ) line on line.event_id = booking.event_id and line.booking_id = booking.id
    where (booking.seat_count, booking.total_amount) is distinct from (line.seats, line.amount)`,

  // One record of its creation, and one of its end if it has ended.
  'booking-record': `
    select format('booking %s is %s, its records say it was created %s times and then became %s', coalesce(booking.id, record.booking_id),
             coalesce(booking.status, 'missing'), coalesce(record.made, 0), coalesce(record.ends, 'nothing')) as detail
    from bookings booking
    full join (
      select event_id, booking_id, count(*) filter (where from_status is null) as made,
             string_agg(to_status, ', ') filter (where from_status is not null) as ends
      from booking_events group by event_id, booking_id
    ) record on record.event_id = booking.event_id and record.booking_id = booking.id
    where record.made is distinct from 1 or booking.status is distinct from coalesce(record.ends, 'PENDING')`,

  'record-seats': `
    select format('the record that booking %s became %s names other seats than its lines', record.booking_id, record.to_status) as detail
    from booking_events record
    left join (
      select event_id, booking_id, array_agg(seat_id order by seat_id) as seat_ids
      from booking_seats group by event_id, booking_id
    ) line on line.event_id = record.event_id and line.booking_id = record.booking_id
    where record.seat_ids is distinct from line.seat_ids`,

  // Each version of a seat belongs to one transition, from 1 to the seat's own, without a gap.
  'seat-version': `
    select format('seat %s is at version %s, recorded are %s versions from %s to %s', coalesce(seat.id, past.seat_id),
             coalesce(seat.version::text, 'none'), coalesce(past.versions, 0), past.first, past.last) as detail
    from seats seat
    full join (
      select record.event_id, moved.seat_id, count(*) as transitions, count(distinct moved.version) as versions,
             min(moved.version) as first, max(moved.version) as last
      from booking_events record
      cross join unnest(record.seat_ids, record.seat_versions) as moved(seat_id, version)
      group by record.event_id, moved.seat_id
    ) past on past.event_id = seat.event_id and past.seat_id = seat.id
    where case when past.seat_id is null then seat.version <> 0
          else (past.transitions, past.versions, past.first, past.last) is distinct from (seat.version, seat.version, 1, seat.version) end`,

  // There is no foreign key: each booking would share-lock the one row of its event.
  'event-exists': `
    select format('there is no event %s, and it has %s', orphan.event_id, orphan.rows) as detail
    from (
      select event_id, 'seats' as rows from seats group by event_id
      union all select event_id, 'bookings' from bookings group by event_id
      union all select event_id, 'records' from booking_events group by event_id
    ) orphan
    where not exists (select from events event where event.id = orphan.event_id)`,

  // The statement that has the effect writes the key, and never without the effect.
  'key-effect': `
    select format('an idempotency key of %s stands for %s, which there is not', key.created_at,
             case when key.booking_id is null then 'event ' || key.event_id else 'booking ' || key.booking_id end) as detail
    from idempotency_keys key
    left join bookings booking on booking.event_id = key.event_id and booking.id = key.booking_id
    left join events event on event.id = key.event_id
    where event.id is null or (key.booking_id is not null and booking.id is null)`,
} as const satisfies Readonly<Record<string, string>>;

export type AuditCheck = keyof typeof auditChecks;

/** Counts the violations of a check, with a few of them as sentences. */
export const countViolations = (check: AuditCheck, samples: number): string => `
select count(*)::int as violations, array_agg(detail) filter (where n <= ${samples}) as samples
from (select detail, row_number() over () as n from (${auditChecks[check]}) violation) numbered`;

/** $1 lock. A lock of the transaction, not of the session, which a pooler may share between clients. */
export const takeAuditTurn = 'select pg_try_advisory_xact_lock($1) as taken';
