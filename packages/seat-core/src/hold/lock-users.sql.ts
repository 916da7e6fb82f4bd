import type { Statement } from '../postgres/statement.ts';

/*
 * The cap on held seats is counted in the statements that hold seats, whose snapshot must be younger than the lock. So the lock
 * is taken by a statement of its own in front of it, in the same transaction. (Measured with 12 connections, 30
 * users, cap 20: without the lock 23 users got past the cap, with the lock inside the same statement 28, with the lock
 * in front none.)
 */

/** $1 users, $2 an event per user */
export const lockUsersStatement: Statement = {
  name: 'lock-users',
  text: `
select pg_advisory_xact_lock(user_of_event.lock)
from (
  select distinct hashtextextended(event_id || ' ' || user_id, 0) as lock
  from unnest($1::text[], $2::uuid[]) as asked(user_id, event_id)
  order by lock
) user_of_event`,
};
