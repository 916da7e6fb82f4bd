import type pg from 'pg';

/**
 * A statement and its name. The name makes it a prepared statement: Drizzle cannot name raw SQL, and without a name
 * PostgreSQL plans the statement again at every call.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A statement and the values of its parameters. */
export interface Call {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

type Client = Pick<pg.ClientBase | pg.Pool, 'query'>;

/**
 * The one way in which the engine runs a statement. (`admin` sends texts of its own on connections of its own.)
 *
 * @param client a connection, or a pool that chooses one
 * @param queryTimeoutMs instead of the pool's own
 * @throws what the driver throws; `Connections` maps it
 */
export async function runStatement<Row extends object>(
  client: Client,
  { statement, values }: Call,
  queryTimeoutMs?: number,
): Promise<Row[]> {
  const timeout = queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs };
  const query = { ...statement, values: [...values], ...timeout };
  return (await client.query<Row & pg.QueryResultRow>(query)).rows;
}

/**
 * Runs two statements as one transaction and sends all of it at once: one round trip. The snapshot of the second
 * statement is younger than the locks that the first one takes, which is why the first stands in front.
 *
 * @returns the rows of the second statement
 */
export async function runBehindLocks<Row extends object>(
  client: Client,
  locks: Call,
  call: Call,
): Promise<Row[]> {
  const sent = [
    client.query('begin'),
    runStatement(client, locks),
    runStatement<Row>(client, call),
    client.query('commit'),
  ] as const;
  const replies = await Promise.allSettled(sent);
  // The first failure is the reason; the commit behind it was a rollback.
  const failed = replies.find((reply) => reply.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return sent[2];
}
