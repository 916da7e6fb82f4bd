import pg from 'pg';

export interface SnapshotOptions {
  /** `postgres://…`; a role that may read the tables, also of a replica. */
  readonly databaseUrl: string;
  /** How long the whole of it may take before it is given up. */
  readonly timeLimitSeconds: number;
  /** Ends it at once; it then rejects with the error of a connection that was ended. */
  readonly signal?: AbortSignal;
}

/** One repeatable-read, read-only view of the database: everything read through it is of the same moment. */
export interface Snapshot {
  /** Of the database's clock. */
  readonly at: Date;
  readonly query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;
  /** Rows of a query of any size, a bounded number in memory at a time. */
  readonly stream: <Row extends pg.QueryResultRow>(text: string) => AsyncGenerator<Row>;
}

/** The work on a snapshot took longer than it was allowed, and was given up; nothing was changed. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

const rowsPerFetch = 2_000;
const queryCanceled = '57014';

/**
 * Does something on one snapshot, over a connection of its own: the pool of a service is for those who wait for
 * an answer. It takes no lock and no more than one core, and what has not ended by the limit is given up, because
 * an open snapshot keeps vacuum from its work in the whole database.
 *
 * @throws TimeLimitError at the limit; the driver's error when PostgreSQL does not answer
 */
export async function withSnapshot<T>(
  options: SnapshotOptions,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const limitMs = options.timeLimitSeconds * 1_000;
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: 'seat-core-audit',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    // Of a server that is frozen only we can tell.
    query_timeout: limitMs + 2_000,
  });
  // Whoever is waiting on the connection hears of its end; without a listener it takes the process with it.
  client.on('error', () => undefined);
  const stop = () => void client.end();
  options.signal?.addEventListener('abort', stop, { once: true });
  const endsAt = performance.now() + limitMs;
  const atLimit = () =>
    new TimeLimitError(`not done within ${options.timeLimitSeconds} s, and given up: nothing was found out`);
  const run = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) => {
    const remainingMs = Math.floor(endsAt - performance.now());
    if (remainingMs < 1) throw atLimit();
    await client.query(`set local statement_timeout = ${remainingMs}`);
    try {
      return (await client.query<Row>(text, values)).rows;
    } catch (error) {
      throw error instanceof pg.DatabaseError && error.code === queryCanceled ? atLimit() : error;
    }
  };
  let cursors = 0;
  async function* stream<Row extends pg.QueryResultRow>(text: string): AsyncGenerator<Row> {
    const cursor = `cursor_${(cursors += 1)}`;
    await run(`declare ${cursor} no scroll cursor for ${text}`);
    for (;;) {
      const rows = await run<Row>(`fetch ${rowsPerFetch} from ${cursor}`);
      yield* rows;
      if (rows.length < rowsPerFetch) break;
    }
    await run(`close ${cursor}`);
  }
  try {
    await client.connect();
    await client.query('begin isolation level repeatable read, read only');
    // A query whose asker is gone ends within a second, and not when it is done.
    await client.query('set local client_connection_check_interval = 1000');
    await client.query('set local max_parallel_workers_per_gather = 0');
    // Read to the end in any case, so that the plan for all rows is the right one.
    await client.query('set local cursor_tuple_fraction = 1');
    const [now] = await run<{ at: Date }>('select clock_timestamp() as at');
    if (now === undefined) throw new Error('PostgreSQL did not say what time it is');
    const result = await work({ at: now.at, query: run, stream });
    await client.query('commit');
    return result;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await client.end();
  }
}
