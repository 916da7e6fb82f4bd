import type { Context } from '../options.ts';
import { readRows, type NamedStatement } from './statement.ts';

export interface ConnectionLimits {
  /** How many connections PostgreSQL grants to this role in all. */
  readonly limit: number;
  /** How many others have open now, of whatever program. */
  readonly inUse: number;
}

/** What a service compares its pool with when it starts. */
export async function readConnectionLimits(context: Context): Promise<ConnectionLimits> {
  const [row] = await readRows<{ granted: number; in_use: number }>(context, readLimits, []);
  if (row === undefined) throw new Error('PostgreSQL did not say how many connections it grants');
  return { limit: row.granted, inUse: row.in_use };
}

const readLimits: NamedStatement = {
  name: 'read-connection-limits',
  text: `
select least(
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
         (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user),
         (select nullif(datconnlimit, -1) from pg_database where datname = current_database())
       ) as granted,
       (select count(*)::int from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()) as in_use`,
};
