import pg from 'pg';
import { connectAdmin, createAdminClient } from '../postgres/session.ts';
import {
  beginReading,
  closeCursor,
  declareCursor,
  fetchRows,
  limitStatement,
  readMoment,
} from './read-transaction.sql.ts';

export interface ReadTransactionOptions {
  /** `postgres://…`; a role that may read the tables, also of a replica. */
  readonly databaseUrl: string;
  /** Seconds after which it is given up. */
  readonly timeLimitSeconds: number;
  /** Ends it at once; it then rejects with the error of a closed connection. */
  readonly signal?: AbortSignal;
}

/** A repeatable-read, read-only transaction: everything read in it is of the same moment. */
export interface ReadTransaction {
  /** That moment, by the database's clock. */
  readonly at: Date;
  readonly query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;
  /** Rows of a query of any size, a bounded number in memory at a time. */
  readonly stream: <Row extends pg.QueryResultRow>(text: string) => AsyncGenerator<Row>;
}

/** The work took longer than its limit and was given up. Nothing was changed, and nothing is proven. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

const rowsPerFetch = 2_000;
const queryCanceled = '57014';

/**
 * Runs work in one read transaction on a connection of its own: the pool of a service is for requests. It takes no
 * lock and one core at most. At the limit it is given up, because an open snapshot keeps vacuum from its work in the
 * whole database.
 *
 * @throws TimeLimitError at the limit; the driver's error when PostgreSQL does not answer
 */
export async function withReadTransaction<T>(
  options: ReadTransactionOptions,
  work: (transaction: ReadTransaction) => Promise<T>,
): Promise<T> {
  const limitMs = options.timeLimitSeconds * 1_000;
  const client = createAdminClient({
    databaseUrl: options.databaseUrl,
    applicationName: 'seat-core-audit',
    queryTimeoutMs: limitMs + 2_000,
  });
  // The query under way gets the error, too; without a listener it would crash the process.
  client.on('error', () => undefined);
  const stop = () => void client.end();
  options.signal?.addEventListener('abort', stop, { once: true });
  const endsAt = performance.now() + limitMs;
  const atLimit = () =>
    new TimeLimitError(`not done within ${options.timeLimitSeconds} s and given up: nothing is proven`);
  const run = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) => {
    const remainingMs = Math.floor(endsAt - performance.now());
    if (remainingMs < 1) throw atLimit();
    await client.query(limitStatement(remainingMs));
    try {
      return (await client.query<Row>(text, values)).rows;
    } catch (error) {
      throw error instanceof pg.DatabaseError && error.code === queryCanceled ? atLimit() : error;
    }
  };
  let cursors = 0;
  async function* stream<Row extends pg.QueryResultRow>(text: string): AsyncGenerator<Row> {
    const cursor = `cursor_${(cursors += 1)}`;
    await run(declareCursor(cursor, text));
    for (;;) {
      const rows = await run<Row>(fetchRows(rowsPerFetch, cursor));
      yield* rows;
      if (rows.length < rowsPerFetch) break;
    }
    await run(closeCursor(cursor));
  }
  try {
    await connectAdmin(client);
    for (const statement of beginReading) await client.query(statement);
    const [now] = await run<{ at: Date }>(readMoment);
    if (now === undefined) throw new Error('PostgreSQL did not report its time');
    const result = await work({ at: now.at, query: run, stream });
    await client.query('commit');
    return result;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await client.end();
  }
}
