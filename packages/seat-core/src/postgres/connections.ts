import { bulkhead, BulkheadRejectedError } from 'cockatiel';
import type pg from 'pg';
import type { SeatCoreLogger } from '../options.ts';
import { provesRollback, sqlStateOf, toSeatCoreError } from './error-mapping.ts';
import type { Database } from './pool.ts';
import { Dependency, DependencyAwayError } from '../resilience/circuit-breaker.ts';
import { SeatCoreError } from '../errors.ts';
import { LateError } from '../resilience/deadline.ts';

/** A connection and its query, each in its own time; what takes longer is not waited for. */
const limitMs = 1_300;
/** For each connection so many callers may wait; the next is told at once that it is one too many. */
const waitingPerConnection = 40;
/** When PostgreSQL has answered nobody for so long, a caller without a connection waits for it, not for its turn. */
const silenceMs = 400;

/**
 * The connections of a pool, lent to one statement or transaction at a time: by a bulkhead that bounds how many
 * wait, and a circuit breaker that lets nobody wait for a PostgreSQL that is known to be away.
 */
export class Connections implements Disposable {
  readonly #pool: pg.Pool;
  readonly #dependency: Dependency;
  readonly #bulkhead;
  #answeredAt = 0;

  constructor(database: Database, logger: SeatCoreLogger) {
    this.#pool = database.$client;
    const { max } = this.#pool.options;
    // Those that wait do so in the pool, which lets nobody wait for long.
    this.#bulkhead = bulkhead(max * (1 + waitingPerConnection));
    this.#dependency = new Dependency({
      name: 'postgresql',
      // A standby answers, but decides nothing.
      probe: () =>
        this.#lend(async (client) => {
          const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
          if (rows[0]?.standby !== false) throw new Error('PostgreSQL is a standby');
        }, false),
      limitMs,
      logger,
      isOutage,
      // One connection may be ended for reasons of its own; to be silent is the server's.
      opensAfter: 2,
      isCertain: isSilence,
    });
  }

  /**
   * @param options.commits whether the work sends a commit: then an answer that is lost is `outcome: 'unknown'`
   * @param options.limitMs the longest it may take; default 1.7 s
   * @throws DEPENDENCY_UNAVAILABLE, OVERLOADED; SEAT_LOCKED when it waited too long for a lock; else what the work throws
   */
  async lend<T>(
    work: (client: pg.PoolClient) => Promise<T>,
    options: { readonly commits: boolean; readonly limitMs?: number },
  ): Promise<T> {
    try {
      return await this.#bulkhead.execute(() =>
        this.#dependency.run(() => this.#lend(work, options.commits), options.limitMs),
      );
    } catch (error) {
      if (error instanceof BulkheadRejectedError)
        throw new SeatCoreError('OVERLOADED', 'too many wait for PostgreSQL');
      if (error instanceof DependencyAwayError) throw toSeatCoreError(error, false);
      throw toSeatCoreError(error, options.commits);
    }
  }

  /** As `lend`, for a query that Drizzle runs on a connection of its own choice. */
  async read<T>(query: () => Promise<T>): Promise<T> {
    try {
      return await this.#bulkhead.execute(() => this.#dependency.run(query));
    } catch (error) {
      if (error instanceof BulkheadRejectedError)
        throw new SeatCoreError('OVERLOADED', 'too many wait for PostgreSQL');
      throw toSeatCoreError(error, false);
    }
  }

  [Symbol.dispose](): void {
    this.#dependency[Symbol.dispose]();
  }

  async #lend<T>(work: (client: pg.PoolClient) => Promise<T>, commits: boolean): Promise<T> {
    const client = await this.#checkOut();
    let failure: Error | undefined;
    try {
      const result = await work(client);
      this.#answeredAt = performance.now();
      return result;
    } catch (thrown) {
      // A connection whose server went, or did not answer in time, is not lent again.
      if (sqlStateOf(thrown) === undefined || !provesRollback(thrown)) failure = asError(thrown);
      else this.#answeredAt = performance.now();
      throw toSeatCoreError(thrown, commits);
    } finally {
      client.release(failure);
    }
  }

  async #checkOut(): Promise<pg.PoolClient> {
    const since = performance.now();
    try {
      return await this.#pool.connect();
    } catch (error) {
      const isTurnAwaited =
        error instanceof Error && error.message === 'timeout exceeded when trying to connect';
      if (isTurnAwaited && this.#answeredAt > since - silenceMs) {
        throw new SeatCoreError('OVERLOADED', 'no connection became free in time', {}, { cause: error });
      }
      throw toSeatCoreError(error, false);
    }
  }
}

/** The server is away, as opposed to: it refuses this statement, or this statement is slow. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof SeatCoreError)) return true;
  if (error.code !== 'DEPENDENCY_UNAVAILABLE') return false;
  const state = sqlStateOf(error.cause);
  return state === undefined || /^(08|53|57P|25006)/.test(state);
}

/** The server gives each statement less time than the client does: no answer at all is not for want of time. */
function isSilence(error: unknown): boolean {
  const cause = error instanceof SeatCoreError ? error.cause : error;
  return cause instanceof LateError || (cause instanceof Error && cause.message === 'Query read timeout');
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
