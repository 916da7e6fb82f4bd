/* Both sides of each comparison in the same order, so that memory does not grow with the history. */

export const readRecords = `
select event_id, booking_id, from_status, to_status, at, seat_ids, user_id, prices::text[], currency, expires_at
from booking_events order by event_id, booking_id, from_status nulls first`;

export const readBookings = `
select event_id, id as booking_id, user_id, status, seat_count, total_amount::text, currency,
       created_at, expires_at, confirmed_at
from bookings order by event_id, id`;

export const readLines = `
select event_id, booking_id, seat_id, price_amount::text, live
from booking_seats order by event_id, booking_id, seat_id`;

/** One row per seat and version. */
export const readSeatTransitions = `
select record.event_id, moved.seat_id, moved.version::text, record.booking_id, record.from_status, record.to_status
from booking_events record
cross join unnest(record.seat_ids, record.seat_versions) as moved(seat_id, version)
order by record.event_id, moved.seat_id, moved.version`;

export const readSeats =
  'select event_id, id as seat_id, version::text, status from seats order by event_id, id';
