import { withAdminConnection } from '@ticketing/testkit';

/** Runs one statement on a connection of its own. */
export async function runSql<Row extends object>(
  databaseUrl: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return withAdminConnection(databaseUrl, async (client) => (await client.query<Row>(sql, values)).rows);
}
