import type { Statement } from '../postgres/statement.ts';

/** $1 event id. None when the sales of the event are closed: no seat can be held. */
export const availableOfEventStatement: Statement = {
  name: 'available-of-event',
  text: `
select id, event_id, section, "row", number, price_amount, currency
from seats
where event_id = $1 and status = 'AVAILABLE'
  and (select coalesce(sales_close_at, starts_at) > clock_timestamp() from events where id = $1)
order by random()
limit 200`,
};

/** Reads event by event and stops at 200 seats; 100 of one event are as many as one answer shows. */
export const availableOfComingEventsStatement: Statement = {
  name: 'available-of-coming-events',
  text: `
select seat.*
from (
  select id from events
  where starts_at > clock_timestamp() and coalesce(sales_close_at, starts_at) > clock_timestamp()
  order by starts_at, id
) event
cross join lateral (
  select id, event_id, section, "row", number, price_amount, currency
  from seats
  where event_id = event.id and status = 'AVAILABLE'
  limit 100
) seat
limit 200`,
};
