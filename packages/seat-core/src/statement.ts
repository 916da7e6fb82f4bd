import type pg from 'pg';
import type { Database } from './database.ts';

/**
 * A hot statement: its name makes it a prepared one. Drizzle cannot name raw SQL, and without a name
 * PostgreSQL plans these statements anew at every call.
 */
export interface NamedStatement {
  readonly name: string;
  readonly text: string;
}

/** Runs a hot statement on the database's own pool, as one transaction of its own. */
export async function runStatement<Row extends pg.QueryResultRow>(
  database: Database,
  statement: NamedStatement,
  values: unknown[],
): Promise<Row[]> {
  const { rows } = await database.$client.query<Row>({ ...statement, values });
  return rows;
}
