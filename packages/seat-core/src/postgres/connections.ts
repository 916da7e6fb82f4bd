import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import type { SeatCoreLogger } from '../options.ts';
import { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { CommitGate } from '../resilience/commit-gate.ts';
import { withDeadline } from '../resilience/deadline.ts';
import { Permits } from '../resilience/permits.ts';
import {
  endsConnection,
  isPostgresOutage,
  isSilence,
  NoFreeConnectionError,
  NotConnectedError,
  sqlStateOf,
  toSeatCoreError,
} from './error-mapping.ts';
import type { Database } from './pool.ts';
import { readStateStatement } from './server.sql.ts';
import { runBehindLocks, runStatement, type Call, type Statement } from './statement.ts';

/** For the answer to a statement: longer than PostgreSQL lets it run, so no answer means a server that is silent. */
const answerMs = 1_200;

export interface ConnectionsOptions {
  readonly database: Database;
  /** Shown in the log. */
  readonly lane: string;
  /** How many of the pool's connections are lent at a time. */
  readonly connections: number;
  /** How long a caller waits for one. */
  readonly waitMs: number;
  /** So many callers may wait for each connection; the next is refused at once with OVERLOADED. */
  readonly waitingPerConnection: number;
  /** Shared by all lanes. */
  readonly commits: CommitGate;
  readonly logger: SeatCoreLogger;
}

/**
 * A share of the connections of a pool, lent to one statement or transaction at a time. A bounded line of callers waits
 * for them, and a circuit breaker refuses at once while PostgreSQL is down. Every method throws DEPENDENCY_UNAVAILABLE or
 * OVERLOADED; else what the work throws.
 */
export class Connections {
  readonly #pool: pg.Pool;
  readonly #breaker: CircuitBreaker<pg.Pool>;
  readonly #permits: Permits;
  readonly #commits: CommitGate;

  constructor(options: ConnectionsOptions) {
    const { database, lane, connections, waitMs, waitingPerConnection, commits, logger } = options;
    this.#pool = database.$client;
    this.#commits = commits;
    this.#permits = new Permits({
      size: connections,
      maxWaiting: connections * waitingPerConnection,
      maxWaitMs: waitMs,
    });
    this.#breaker = new CircuitBreaker({
      name: 'postgresql',
      lane,
      client: this.#pool,
      probe: () => this.#withClient((client) => this.#readState(client)),
      logger,
      isOutage: isPostgresOutage,
      // A single connection may be ended for reasons of its own; silence is the server's.
      opensAfter: 2,
      isCertain: isSilence,
    });
  }

  /** Callers that wait for a connection. */
  get waiting(): number {
    return this.#permits.waiting;
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
   * @param options.budgetMs for the wait and the work together; without it the work has 1,200 of its own
   */
  async lend<T>(
    work: (client: pg.PoolClient) => Promise<T>,
    options: { readonly commits: boolean; readonly budgetMs?: number },
  ): Promise<T> {
    try {
      if (options.commits) this.#commits.assertOpen();
      return await this.#breaker.run(() => this.#withClient(work, options.budgetMs));
    } catch (error) {
      throw toSeatCoreError(error, options.commits);
    }
  }

  /** Runs a query of Drizzle. */
  async read<T>(query: (database: NodePgDatabase) => Promise<T>): Promise<T> {
    return this.lend((client) => query(drizzle(client)), { commits: false });
  }

  /** Ends the probing. */
  close(): void {
    this.#breaker.stop();
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>, budgetMs?: number): Promise<T> {
    const since = performance.now();
    // Whether PostgreSQL is down is found out by those that have a connection.
    const giveBack = await this.#permits.take().catch((cause: unknown) => {
      throw new NoFreeConnectionError('no connection became free in time', { cause });
    });
    try {
      const client = await this.#pool.connect().catch((cause: unknown) => {
        throw new NotConnectedError('no connection to PostgreSQL', { cause });
      });
      const limitMs = budgetMs === undefined ? answerMs : budgetMs - (performance.now() - since);
      return await this.#use(client, () => withDeadline('postgresql', limitMs, work(client)));
    } finally {
      giveBack();
    }
  }

  async #use<T>(client: pg.PoolClient, work: () => Promise<T>): Promise<T> {
    let failure: Error | undefined;
    try {
      return await work();
    } catch (thrown) {
      // A connection whose server is gone or silent is not lent again.
      if (sqlStateOf(thrown) === undefined || endsConnection(thrown)) failure = asError(thrown);
      throw thrown;
    } finally {
      client.release(failure);
    }
  }

  /** A standby answers, but it decides nothing. */
  async #readState(client: pg.PoolClient): Promise<void> {
    const call = { statement: readStateStatement, values: [] };
    const [row] = await runStatement<{ standby: boolean; commitsWait: boolean }>(client, call);
    if (row?.standby !== false) throw new Error('PostgreSQL is a standby');
    this.#commits.update(row.commitsWait);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
