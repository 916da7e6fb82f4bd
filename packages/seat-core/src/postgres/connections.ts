import { bulkhead } from 'cockatiel';
import type pg from 'pg';
import type { SeatCoreLogger } from '../options.ts';
import { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import {
  isPostgresOutage,
  isSilence,
  NoFreeConnectionError,
  NotConnectedError,
  provesRollback,
  sqlStateOf,
  toSeatCoreError,
} from './error-mapping.ts';
import type { Database } from './pool.ts';
import { isStandbyStatement } from './server.sql.ts';
import { runBehindLocks, runStatement, type Call, type Statement } from './statement.ts';

/** A connection and its query, each within its own limit; no caller waits longer than both. */
const limitMs = 1_300;
/** So many callers may wait for each connection; the next is refused at once with OVERLOADED. */
const waitingPerConnection = 40;
/** If PostgreSQL has answered no statement for this long, a caller without a connection met an outage, not a queue. */
const silenceMs = 400;

/**
 * The connections of a pool, lent to one statement or transaction at a time. A bulkhead bounds how many callers wait,
 * and a circuit breaker refuses at once while PostgreSQL is down. Every method throws DEPENDENCY_UNAVAILABLE,
 * OVERLOADED, or SEAT_LOCKED when it waited too long for a lock; else what the work throws.
 */
export class Connections {
  readonly #database: Database;
  readonly #pool: pg.Pool;
  readonly #breaker: CircuitBreaker<pg.Pool>;
  readonly #bulkhead;
  #answeredAt = 0;

  constructor(database: Database, logger: SeatCoreLogger) {
    this.#database = database;
    this.#pool = database.$client;
    const { max } = this.#pool.options;
    // The callers wait in the pool, which bounds how long.
    this.#bulkhead = bulkhead(max * (1 + waitingPerConnection));
    this.#breaker = new CircuitBreaker({
      name: 'postgresql',
      client: this.#pool,
      probe: () => this.#withClient(assertPrimary),
      limitMs,
      logger,
      isOutage: isPostgresOutage,
      // A single connection may be ended for reasons of its own; silence is the server's.
      opensAfter: 2,
      isCertain: isSilence,
    });
  }

  /** Runs a statement that changes nothing. */
  async rows<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    return this.lend((client) => runStatement<Row>(client, { statement, values }), { commits: false });
  }

  /** Runs a statement that is a transaction of its own. A lost answer is DEPENDENCY_UNAVAILABLE with `outcome: 'unknown'`. */
  async commit<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    return this.lend((client) => runStatement<Row>(client, { statement, values }), { commits: true });
  }

  /** As `commit`, behind a statement that takes locks in the same transaction. @see runBehindLocks */
  async commitBehindLocks<Row extends object>(locks: Call, call: Call): Promise<Row[]> {
    return this.lend((client) => runBehindLocks<Row>(client, locks, call), { commits: true });
  }

  /**
   * Lends a connection.
   *
   * @param options.commits whether the work sends a commit, so that a lost answer is `outcome: 'unknown'`
   * @param options.limitMs the longest it may take, default 1,300
   */
  async lend<T>(
    work: (client: pg.PoolClient) => Promise<T>,
    options: { readonly commits: boolean; readonly limitMs?: number },
  ): Promise<T> {
    return this.#guard(() => this.#withClient(work), options);
  }

  /** Runs a query of Drizzle, which takes a connection of the pool itself. */
  async read<T>(query: (database: Database) => Promise<T>): Promise<T> {
    return this.#guard(() => query(this.#database), { commits: false });
  }

  /** Ends the probing. */
  close(): void {
    this.#breaker.stop();
  }

  async #guard<T>(
    work: () => Promise<T>,
    options: { readonly commits: boolean; readonly limitMs?: number },
  ): Promise<T> {
    try {
      return await this.#bulkhead.execute(() => this.#breaker.run(work, options.limitMs));
    } catch (error) {
      throw toSeatCoreError(error, options.commits);
    }
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let failure: Error | undefined;
    try {
      const result = await work(client);
      this.#answeredAt = performance.now();
      return result;
    } catch (thrown) {
      // A connection whose server is gone or silent is not lent again.
      if (sqlStateOf(thrown) === undefined || !provesRollback(thrown)) failure = asError(thrown);
      else this.#answeredAt = performance.now();
      throw thrown;
    } finally {
      client.release(failure);
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    const since = performance.now();
    try {
      return await this.#pool.connect();
    } catch (cause) {
      const isPoolBusy =
        cause instanceof Error && cause.message === 'timeout exceeded when trying to connect';
      if (isPoolBusy && this.#answeredAt > since - silenceMs) {
        throw new NoFreeConnectionError('no connection became free in time', { cause });
      }
      throw new NotConnectedError('no connection to PostgreSQL', { cause });
    }
  }
}

/** A standby answers, but it decides nothing. */
async function assertPrimary(client: pg.PoolClient): Promise<void> {
  const [row] = await runStatement<{ standby: boolean }>(client, {
    statement: isStandbyStatement,
    values: [],
  });
  if (row?.standby !== false) throw new Error('PostgreSQL is a standby');
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
