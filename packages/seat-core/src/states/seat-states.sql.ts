import type { Statement } from '../postgres/statement.ts';

/** $1 event id */
export const countSeatsOfEventStatement: Statement = {
  name: 'count-seats-of-event',
  text: 'select count(*)::int as seats from seats where event_id = $1',
};

/** Version and first letter of the status of each seat, in ascending order of id: one text, `0A3R7S…`, instead of a row per seat. */
export const readStatesStatement: Statement = {
  name: 'read-states',
  text: `
select coalesce(string_agg(version || left(status, 1), '' order by id), '') as states
from seats
where event_id = $1`,
};
