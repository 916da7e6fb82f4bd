/* Sent once on each new connection, without a name: a pooler between must not fail before the settings are read. */

/** A stricter synchronous_commit stays. transaction_timeout is of PostgreSQL 17. */
export const setAfterConnect = `
select set_config('synchronous_commit',
         case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, false),
       case when current_setting('transaction_timeout', true) is not null
         then set_config('transaction_timeout', '0', false) end`;

/** $1 names; null for a setting that this server does not know */
export const readSettings = `
select array(select current_setting(name, true) from unnest($1::text[]) with ordinality as asked(name, n) order by n)
         as found`;
