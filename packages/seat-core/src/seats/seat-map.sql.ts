import type { Statement } from '../postgres/statement.ts';

/**
 * $1 event id, $2 the last id of the slice before, $3 how many. Ids are UUIDs of version 7, given in the order in which
 * the organizer wrote the seats.
 */
export const readSeatSliceStatement: Statement = {
  name: 'read-seat-slice',
  text: `
select id, event_id, section, "row", number, price_amount, currency
from seats
where event_id = $1 and id > $2::uuid
order by id
limit $3`,
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
