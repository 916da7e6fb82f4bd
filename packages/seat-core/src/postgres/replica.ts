import type { Context, SeatCoreLogger } from '../options.ts';
import type { Database } from './pool.ts';
import { Dependency, DependencyAwayError } from '../resilience/circuit-breaker.ts';
import { SeatCoreError } from '../errors.ts';
import type { SeatCoreMetrics } from '../metrics.ts';
import { readRows, type NamedStatement } from './statement.ts';

/** A connection, catching up and the reading itself; more than the primary is given, as it is the way out. */
const limitMs = 1_500;
/** How long a reader waits for the replica to have what was committed before; lists may be a second old. */
const catchUpMs = 200;
const pollMs = 10;

/**
 * A streaming replica, read from only while it has everything that was committed before the reading began: how far the
 * primary's log is, is asked first, and the replica waited for. So `asOf` is as true as on the primary. One that lags,
 * is gone, or has become a primary itself is done without, until its probe finds it whole again.
 */
export class Replica implements Disposable {
  readonly #database: Database;
  readonly #readPosition: () => Promise<string>;
  readonly #metrics: SeatCoreMetrics;
  readonly #logger: SeatCoreLogger;
  readonly #dependency: Dependency;
  #hadAllAt = performance.now();

  constructor(
    database: Database,
    options: {
      /** Where the log of the primary ends. */
      readonly readPosition: () => Promise<string>;
      readonly metrics: SeatCoreMetrics;
      readonly logger: SeatCoreLogger;
    },
  ) {
    this.#database = database;
    this.#readPosition = options.readPosition;
    this.#metrics = options.metrics;
    this.#logger = options.logger;
    this.#dependency = new Dependency({
      name: 'replica',
      probe: () => this.#catchUp(),
      limitMs,
      logger: options.logger,
      // The primary is asked on the way, and tells its own faults.
      isOutage: (error) => !(error instanceof SeatCoreError),
    });
  }

  get isAway(): boolean {
    return this.#dependency.isAway;
  }

  /** @returns what it read; undefined when the primary has to be asked */
  async read<T>(query: (database: Database) => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      const value = await this.#dependency.run(async () => {
        await this.#catchUp();
        return query(this.#database);
      });
      this.#metrics.replicaReads.inc({ from: 'replica' });
      return { value };
    } catch (err) {
      if (!(err instanceof DependencyAwayError)) this.#logger.debug({ err }, 'the replica could not be read');
      this.#metrics.replicaReads.inc({ from: 'primary' });
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#dependency[Symbol.dispose]();
  }

  /** @throws Error when it has not what was committed until now after a while */
  async #catchUp(): Promise<void> {
    const startedAt = performance.now();
    try {
      const position = await this.#readPosition();
      while (!(await this.#has(position))) {
        if (performance.now() - startedAt > catchUpMs)
          throw new Error(`the replica is behind: it had not caught up after ${catchUpMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
      this.#hadAllAt = startedAt;
    } finally {
      this.#metrics.replicaLag.set((performance.now() - this.#hadAllAt) / 1_000);
    }
  }

  async #has(position: string): Promise<boolean> {
    const { rows } = await this.#database.$client.query<{ has: boolean | null }>({
      ...replayedStatement,
      values: [position],
    });
    return rows[0]?.has === true;
  }
}

/**
 * Reads what may be up to a second old: from the replica if there is one that has all of it, else from the primary.
 *
 * @throws as `Connections.read`
 */
export async function readAnywhere<T>(
  { replica, connections, database }: Context,
  query: (database: Database) => Promise<T>,
): Promise<T> {
  const found = await replica?.read(query);
  return found === undefined ? connections.read(() => query(database)) : found.value;
}

/** As `readAnywhere`, for a named statement. */
export async function readRowsAnywhere<Row extends object>(
  context: Context,
  statement: NamedStatement,
  values: unknown[],
): Promise<Row[]> {
  const found = await context.replica?.read(
    async ({ $client }) => (await $client.query({ ...statement, values })).rows as Row[],
  );
  return found === undefined
    ? readRows<Row & Record<string, unknown>>(context, statement, values)
    : found.value;
}

/** Where the log of the primary ends: what was committed before is in front of it. */
export async function readLogPosition(context: Context): Promise<string> {
  const [row] = await readRows<{ position: string }>(context, positionStatement, []);
  if (row === undefined) throw new Error('PostgreSQL did not say where its log ends');
  return row.position;
}

const positionStatement: NamedStatement = {
  name: 'log-position',
  text: 'select pg_current_wal_lsn()::text as position',
};

/** Null for a server that replays nothing: it is no replica any more, and its log another one. */
const replayedStatement: NamedStatement = {
  name: 'has-replayed',
  text: `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() >= $1::text::pg_lsn end as has`,
};
