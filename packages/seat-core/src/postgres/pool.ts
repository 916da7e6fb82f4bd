import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';

/** A Drizzle database whose `$client` is the pool; hot statements are run by name on the latter. */
export type Database = NodePgDatabase & { $client: pg.Pool };

export interface DatabaseOptions {
  /** `postgres://…`, PostgreSQL 15 or later. */
  readonly databaseUrl: string;
  /** Connections of this process; more than a few per core only queue. */
  readonly poolMax?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Called for an error of a connection that no query was waiting on. */
  readonly onConnectionError?: (error: Error) => void;
}

/*
 * The budgets nest: waiting for a connection, for a row lock, for the statement, for its answer. Only
 * `query_timeout` ends a query whose server is frozen; the other two are enforced by that server.
 */
const connectTimeoutMs = 700;
const lockTimeoutMs = 300;
const statementTimeoutMs = 1_000;
const queryTimeoutMs = 1_200;

/** Opens a pool with the settings the engine needs. Connections are made when first used. */
export function openDatabase(options: DatabaseOptions): Database {
  const report = options.onConnectionError ?? (() => {});
  const poolMax = options.poolMax ?? 10;
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: poolMax,
    application_name: options.applicationName ?? 'seat-core',
    connectionTimeoutMillis: connectTimeoutMs,
    lock_timeout: lockTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: 5_000,
    // As many as there may be, from the start: a crowd must not wait until PostgreSQL has made new processes.
    min: poolMax,
    // What is sent on a connection in one go is one round trip.
    pipeline: true,
    maxLifetimeSeconds: 1_800,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Nothing that the engine asks often is answered by reading a whole table, which looks cheap while it is small.
    // That makes plans look dear which are not, and PostgreSQL would compile them: 40 ms for a statement of one.
    options: '-c enable_seqscan=off -c jit=off',
  });
  renewPlans(pool);
  // Without these listeners a connection that the server ends takes the whole process with it.
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', report));
  return drizzle(pool);
}

/** The first second of a sale fills tables that were empty before. */
const planLifeMs = 1_000;

/**
 * PostgreSQL keeps the plan of a prepared statement until the table is analyzed next, a minute later at best. While a
 * table is empty one index looks as good as another, and the one it takes may be read from end to end once thousands
 * hold seats. So a connection that is lent makes its plans anew, once a second at most: a few milliseconds each time.
 */
function renewPlans(pool: pg.Pool): void {
  const plannedAt = new WeakMap<pg.PoolClient, number>();
  pool.on('acquire', (client) => {
    const now = performance.now();
    if (now - (plannedAt.get(client) ?? -Infinity) < planLifeMs) return;
    plannedAt.set(client, now);
    // In one round trip with what the borrower sends. Should it fail, so does that, and sooner.
    const renewal = { text: 'discard plans', query_timeout: 2 * queryTimeoutMs };
    client.query(renewal).catch(() => undefined);
  });
}

/** A server that is busy with its own start, or with a crowd, gets more time than a request would give it. */
const firstConnectionAttempts = 5;

/**
 * Makes the connections of the pool, one after the other, as many as PostgreSQL grants now; what cannot be had
 * will be made when it is needed.
 *
 * @throws the driver's error when not even one can be made
 */
export async function connectAll({ $client: pool }: Database): Promise<void> {
  const clients: pg.PoolClient[] = [];
  for (let attempt = 1; clients.length < pool.options.max; attempt += 1) {
    try {
      clients.push(await pool.connect());
    } catch (error) {
      if (clients.length > 0) break;
      if (attempt === firstConnectionAttempts) throw error;
    }
  }
  for (const client of clients) client.release();
}
