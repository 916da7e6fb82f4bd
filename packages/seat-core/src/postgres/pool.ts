import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { defaultPoolMax } from '../options.ts';
import { discardPlans } from './server.sql.ts';
import { checkSession, explainRefusal, sessionConfig } from './session.ts';
import { requestSettings, UnmetSettingsError } from './session-settings.ts';

/** A Drizzle database whose `$client` is the pool. Hot statements run by name on the pool. */
export type Database = NodePgDatabase & { $client: pg.Pool };

export interface DatabaseOptions {
  /** `postgres://…`, PostgreSQL 15 or later. */
  readonly databaseUrl: string;
  /** Connections of this process, default 10; more than a few per core only queue. */
  readonly poolMax?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Called for an error of a connection that no query was waiting on. */
  readonly onConnectionError?: (error: Error) => void;
}

const connectTimeoutMs = 700;
/**
 * For programs that use the pool themselves. `Connections` gives a query up sooner, and not before the process has read
 * what lies in its sockets: the driver's timer would take the answer that a busy process has not read for a silent server.
 */
const queryTimeoutMs = 2_400;

/**
 * Opens a pool with the settings that the engine needs. Connections are made when first used; one whose settings do not
 * hold is not lent: `UnmetSettingsError`.
 *
 * @example
 * const database = openDatabase({ databaseUrl: 'postgres://ticketing@127.0.0.1/ticketing' });
 */
export function openDatabase(options: DatabaseOptions): Database {
  const report = options.onConnectionError ?? (() => {});
  const poolMax = options.poolMax ?? defaultPoolMax;
  const pool = new pg.Pool({
    ...sessionConfig(options.databaseUrl, requestSettings),
    max: poolMax,
    application_name: options.applicationName ?? 'seat-core',
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    // The pool waits for it, and ends the connection when it fails; the types do not say so.
    // oxlint-disable-next-line typescript/no-misused-promises
    onConnect: (client) => checkSession(client, requestSettings, connectTimeoutMs),
    // All of them from the start: a crowd must not wait until PostgreSQL has forked new processes.
    min: poolMax,
    // Queries sent together on a connection are one round trip.
    pipeline: true,
    maxLifetimeSeconds: 1_800,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  renewPlans(pool);
  // Without these listeners a connection that the server ends crashes the process.
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', report));
  return drizzle(pool);
}

/** The first second of a sale fills tables that were empty before. */
const planLifeMs = 1_000;

/**
 * PostgreSQL keeps the plan of a prepared statement until the table is analyzed next, a minute later at best. While a
 * table is empty one index looks as good as another, and the chosen one may be read from end to end once there are
 * thousands of holds. So a connection that is lent plans its statements again, at most once a second: a few ms each time.
 */
function renewPlans(pool: pg.Pool): void {
  const plannedAt = new WeakMap<pg.PoolClient, number>();
  pool.on('acquire', (client) => {
    const now = performance.now();
    if (now - (plannedAt.get(client) ?? -Infinity) < planLifeMs) return;
    plannedAt.set(client, now);
    // In one round trip with the borrower's statement. If it fails, so does that statement, and sooner.
    const renewal = { text: discardPlans, query_timeout: queryTimeoutMs };
    client.query(renewal).catch(() => undefined);
  });
}

/** A server that is starting, or busy with a crowd, gets more time here than a request would give it. */
const firstConnectionAttempts = 5;

/** @throws UnmetSettingsError; the driver's error when PostgreSQL cannot be reached */
export async function connectPatiently(pool: pg.Pool): Promise<pg.PoolClient> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pool.connect();
    } catch (error) {
      if (error instanceof UnmetSettingsError) throw error;
      if (attempt === firstConnectionAttempts) explainRefusal(error);
    }
  }
}

/**
 * Opens the connections of the pool one after the other, as many as PostgreSQL grants now. The pool opens the others
 * when it needs them.
 *
 * @throws as `connectPatiently`, when not even one can be opened
 */
export async function connectAll({ $client: pool }: Database): Promise<void> {
  const clients = [await connectPatiently(pool)];
  while (clients.length < pool.options.max) {
    const client = await pool.connect().catch(() => undefined);
    if (client === undefined) break;
    clients.push(client);
  }
  for (const client of clients) client.release();
}
