import type { Statement } from '../postgres/statement.ts';

/** Ids of an event's seats as one text, 36 letters each, in ascending order. */
export const readSeatIdsStatement: Statement = {
  name: 'read-seat-ids',
  text: `select coalesce(string_agg(id::text, '' order by id), '') as ids from seats where event_id = $1`,
};

/** Version and first letter of the status of each seat, in ascending order of id: one text, `0A3R7S…`, instead of a row per seat. */
export const readStatesStatement: Statement = {
  name: 'read-states',
  text: `
select coalesce(string_agg(version || left(status, 1), '' order by id), '') as states
from seats
where event_id = $1`,
};
