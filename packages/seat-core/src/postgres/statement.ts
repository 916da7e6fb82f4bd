import pg from 'pg';

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
  client: pg.PoolClient,
  locks: Call,
  call: Call,
): Promise<Row[]> {
  const { parsedStatements } = client.connection as unknown as DriverConnection;
  const areParsed = [locks, call].every(({ statement: { name, text } }) => parsedStatements[name] === text);
  if (areParsed)
    return new Promise((resolve, reject) => {
      client.query(
        new QueryBehindLocks(locks, call, (error, rows) => (error ? reject(error) : resolve(rows as Row[]))),
      );
    });
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

/** What the driver's types leave out. */
interface DriverConnection extends pg.Connection {
  readonly parsedStatements: Readonly<Record<string, string>>;
}

interface DriverQuery {
  readonly prepare: (connection: object) => void;
}

/**
 * Two prepared statements and one Sync behind both: to PostgreSQL they are one transaction, without the messages of
 * `begin` and `commit`, each of which costs both sides a reply. Both must have been parsed on the connection: the driver takes
 * the reply to one Parse for that of the other.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
class QueryBehindLocks extends pg.Query {
  readonly #locks: pg.Query;

  constructor(locks: Call, call: Call, done: (error: Error | undefined, rows: readonly unknown[]) => void) {
    const configOf = ({ statement, values }: Call) => ({ ...statement, values: [...values] });
    super(configOf(call), (error, results) => {
      // One result for each statement.
      const [, ofCall] = (results ?? []) as unknown as readonly pg.QueryResult[];
      if (ofCall === undefined) return done(error ?? new Error('no result of the second statement'), []);
      done(error, ofCall.rows);
    });
    this.#locks = new pg.Query(configOf(locks));
  }

  override submit = (connection: pg.Connection): void => {
    const withoutSync = Object.create(connection, { sync: { value: () => undefined } }) as object;
    connection.stream.cork();
    try {
      (this.#locks as unknown as DriverQuery).prepare(withoutSync);
      (this as unknown as DriverQuery).prepare(connection);
    } finally {
      connection.stream.uncork();
    }
  };
}
