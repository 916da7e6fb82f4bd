import type { Statement } from '../postgres/statement.ts';

/*
 * A booking as it is shown: PENDING past its deadline counts as EXPIRED by the database's clock. Rows have
 * the columns of the transition statements, one per seat: one mapper serves both.
 */
const columns = `
select booking.id, booking.event_id, booking.user_id,
       case when booking.status = 'PENDING' and booking.expires_at <= clock.at then 'EXPIRED' else booking.status end
         as status,
       booking.total_amount, booking.currency, booking.created_at, booking.expires_at, booking.confirmed_at,
       case when booking.status = 'PENDING' and booking.expires_at > clock.at
         then floor(extract(epoch from booking.expires_at - clock.at))::int end as expires_in_seconds,
       line.seat_id, seat.section, seat.row, seat.number, line.price_amount,
       seat.status as seat_status, seat.version as seat_version, clock.at
from (select clock_timestamp() as at) clock`;

const withSeats = `
join booking_seats line on line.event_id = booking.event_id and line.booking_id = booking.id
join seats seat on seat.event_id = line.event_id and seat.id = line.seat_id`;

/** $1 booking id, $2 owner or null */
export const findBookingStatement: Statement = {
  name: 'find-booking',
  text: `${columns}
cross join bookings booking
${withSeats}
where booking.id = $1 and ($2::text is null or booking.user_id = $2)
order by line.seat_id`,
};

/** $1 event id, $2 user id, $3 how many at most; newest first */
export const findLiveBookingsStatement: Statement = {
  name: 'find-live-bookings',
  text: `${columns}
cross join lateral (
  select * from bookings
  where event_id = $1 and user_id = $2
    and (status = 'CONFIRMED' or (status = 'PENDING' and expires_at > clock.at))
  order by created_at desc, id desc
  limit $3
) booking
${withSeats}
order by booking.created_at desc, booking.id desc, line.seat_id`,
};
