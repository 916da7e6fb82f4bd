import type { Statement } from '../postgres/statement.ts';

/**
 * $1 event id, $2 the last id of the slice before, $3 how many seats. One row per row of seats and price; in the texts its
 * seats in the order of their ids, which are UUIDs of version 7, given in the order in which the organizer wrote the
 * seats. A slice of 20,000 is sorted within `work_mem`, and far from the time limit of a statement.
 */
export const readPlacesStatement: Statement = {
  name: 'read-places',
  text: `
select section, "row", price_amount, currency, string_agg(id::text, '' order by id) as ids,
       string_agg(number::text, ' ' order by id) as numbers
from (
  select id, section, "row", number, price_amount, currency
  from seats
  where event_id = $1 and id > $2::uuid
  order by id
  limit $3
) as slice
group by section, "row", price_amount, currency`,
};

/** $1 event id. One text with a letter per seat, in the order of the ids, and the sum of the seats' versions. */
export const readStatusesStatement: Statement = {
  name: 'read-statuses',
  text: `
select coalesce(string_agg(case status when 'AVAILABLE' then 'A' when 'RESERVED' then 'R' else 'S' end, '' order by id), '')
         as statuses,
       coalesce(sum(version), 0) as version
from seats
where event_id = $1`,
};
