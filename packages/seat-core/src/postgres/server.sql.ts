import type { Statement } from './statement.ts';

/* Statements about the server itself, not about its tables. */

export const pingStatement: Statement = { name: 'ping', text: 'select 1' };

/**
 * Whether the server is a standby, and whether a commit has waited for a synchronous standby for over a second. A procedure
 * or a loader makes many short commits in one long statement: its transaction is younger. Sessions of other roles are seen
 * with the rights of pg_read_all_stats.
 */
export const readStateStatement: Statement = {
  name: 'read-state',
  text: `
select pg_is_in_recovery() as standby,
       exists (
         select from pg_stat_activity
         where wait_event = 'SyncRep' and backend_type = 'client backend'
           and greatest(xact_start, state_change) < clock_timestamp() - interval '1 second'
       ) as "commitsWait"`,
};

/** Seconds since 1970. */
export const readClockStatement: Statement = {
  name: 'read-clock',
  text: 'select extract(epoch from clock_timestamp())::float8 as now',
};

/** Where the log of the primary ends: everything committed before stands in front of this position. */
export const logPositionStatement: Statement = {
  name: 'log-position',
  text: 'select pg_current_wal_lsn()::text as position',
};

/** $1 a log position. Null for a server that replays nothing: it is no replica any more, and has another log. */
export const hasReplayedStatement: Statement = {
  name: 'has-replayed',
  text: `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() >= $1::text::pg_lsn end as has`,
};

/** How many connections PostgreSQL grants to this role, and how many other sessions are open. */
export const readConnectionLimitsStatement: Statement = {
  name: 'read-connection-limits',
  text: `
select least(
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
         (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user),
         (select nullif(datconnlimit, -1) from pg_database where datname = current_database())
       ) as "limit",
       (select count(*)::int from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()) as "inUse"`,
};

/** Forgets the plans of the connection. */
export const discardPlans = 'discard plans';
