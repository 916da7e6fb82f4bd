import { setTimeout as delay } from 'node:timers/promises';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import { SeatCoreError } from '../errors.ts';
import { CircuitBreaker, CircuitOpenError } from '../resilience/circuit-breaker.ts';
import type { Connections } from './connections.ts';
import type { Database } from './pool.ts';
import { hasReplayedStatement, logPositionStatement } from './server.sql.ts';
import { runStatement, type Statement } from './statement.ts';

/** A connection, catching up and the reading itself; more than the primary gets, because the primary is the way out. */
const limitMs = 1_500;
/** How long a reader waits until the replica has replayed what was committed before. Lists may be a second old. */
const catchUpMs = 200;
const pollMs = 10;

interface ReadsOptions {
  readonly connections: Connections;
  /** A streaming replica of the primary. */
  readonly replica: Database | undefined;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
}

/**
 * Reads that may be up to a second old: lists, counts and maps, never a decision. They go to the replica while it has
 * replayed everything that was committed before the read began, so `asOf` is as true as on the primary; else to the
 * primary. A replica that lags, is down, or was promoted is left out until its probe succeeds again.
 */
export class Reads {
  readonly #connections: Connections;
  readonly #replica: CircuitBreaker<Database> | null;
  readonly #metrics: SeatCoreMetrics;
  readonly #logger: SeatCoreLogger;
  #currentAt = performance.now();

  constructor({ connections, replica, metrics, logger }: ReadsOptions) {
    this.#connections = connections;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#replica =
      replica === undefined
        ? null
        : new CircuitBreaker({
            name: 'replica',
            client: replica,
            probe: (database) => this.#catchUp(database),
            limitMs,
            logger,
            // The catching up asks the primary, whose own breaker counts its failures.
            isOutage: (error) => !(error instanceof SeatCoreError),
          });
  }

  /** False without a replica. */
  get isReplicaDown(): boolean {
    return this.#replica?.isOpen === true;
  }

  /** Runs a statement that changes nothing. @throws as `Connections` */
  async rows<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const found = await this.#fromReplica(({ $client }) => runStatement<Row>($client, { statement, values }));
    return found === undefined ? this.#connections.rows<Row>(statement, values) : found.value;
  }

  /** Runs a query of Drizzle. @throws as `Connections` */
  async read<T>(query: (database: NodePgDatabase) => Promise<T>): Promise<T> {
    const found = await this.#fromReplica(query);
    return found === undefined ? this.#connections.read(query) : found.value;
  }

  /** Ends the probing. */
  close(): void {
    this.#replica?.stop();
  }

  /** @returns undefined when the primary has to be asked */
  async #fromReplica<T>(
    query: (database: Database) => Promise<T>,
  ): Promise<{ readonly value: T } | undefined> {
    if (this.#replica === null) return undefined;
    try {
      const value = await this.#replica.run(async (database) => {
        await this.#catchUp(database);
        return query(database);
      });
      this.#metrics.replicaReads.inc({ from: 'replica' });
      return { value };
    } catch (err) {
      if (!(err instanceof CircuitOpenError))
        this.#logger.debug({ err }, 'replica read failed; reading the primary');
      this.#metrics.replicaReads.inc({ from: 'primary' });
      return undefined;
    }
  }

  /** @throws Error when the replica has not replayed in time what was committed until now */
  async #catchUp(database: Database): Promise<void> {
    const startedAt = performance.now();
    try {
      const [end] = await this.#connections.rows<{ position: string }>(logPositionStatement, []);
      if (end === undefined) throw new Error('PostgreSQL did not report the end of its log');
      while (!(await hasReplayed(database, end.position))) {
        if (performance.now() - startedAt > catchUpMs)
          throw new Error(`the replica lags: it had not caught up after ${catchUpMs} ms`);
        await delay(pollMs);
      }
      this.#currentAt = startedAt;
    } finally {
      this.#metrics.replicaLag.set((performance.now() - this.#currentAt) / 1_000);
    }
  }
}

async function hasReplayed({ $client }: Database, position: string): Promise<boolean> {
  const call = { statement: hasReplayedStatement, values: [position] };
  const [row] = await runStatement<{ has: boolean | null }>($client, call);
  return row?.has === true;
}
