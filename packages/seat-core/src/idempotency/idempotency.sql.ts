import type { Statement } from '../postgres/statement.ts';

/** $1 key id */
export const findKeyStatement: Statement = {
  name: 'find-idempotency-key',
  text: 'select fingerprint, event_id, booking_id from idempotency_keys where id = $1',
};

/** $1 key id, $2 fingerprint, $3 event id, $4 created at. For an event; a booking's key is written by its own statement. */
export const insertEventKeyStatement: Statement = {
  name: 'insert-event-key',
  text: 'insert into idempotency_keys (id, fingerprint, event_id, created_at) values ($1, $2, $3, $4)',
};

/**
 * $1 how many at most, $2 hours a key is kept. Deletes by place in the table: what the summaries of its page ranges
 * find needs no second look-up by id.
 */
export const purgeKeysStatement: Statement = {
  name: 'purge-idempotency-keys',
  text: `
with purged as (
  delete from idempotency_keys
  where ctid = any(array(
    select ctid from idempotency_keys
    where created_at < now() - make_interval(hours => $2)
    limit $1
    for update skip locked
  ))
  returning 1
)
select count(*)::int as purged from purged`,
};
