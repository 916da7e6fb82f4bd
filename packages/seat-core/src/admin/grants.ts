import pg from 'pg';
import { grantsOf } from './grants.sql.ts';

/**
 * Grants a role the rights of the services: hold, confirm, release, expire, sweep, audit and purge, and nothing else.
 *
 * @param client of the role that owns the tables
 * @param role exists, and can log in
 */
export async function grantServiceRole(client: pg.Client, role: string): Promise<void> {
  for (const grant of grantsOf(pg.escapeIdentifier(role))) await client.query(grant);
}
