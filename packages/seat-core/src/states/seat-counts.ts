import { SeatCoreError } from '../errors.ts';
import type { SeatCoreLogger } from '../options.ts';
import type { Connections } from '../postgres/connections.ts';
import type { Reads } from '../postgres/replica.ts';
import { runBehindLocks, type Call, type Statement } from '../postgres/statement.ts';
import type { SeatCounts } from '../types.ts';
import { InputCheck } from '../validation.ts';
import {
  commitAtOnceStatement,
  countSeatsStatement,
  findEventsWithoutBlocksStatement,
  makeBlocksStatement,
  readCountsAgeStatement,
  readCountsStatement,
  takeCountingTurnStatement,
} from './seat-counts.sql.ts';

/** The most records that one round reads: less than half a second of work. */
const maxCountedRecords = 20_000;
/** The worker's rounds are more frequent, so a reader runs none beside it. */
const staleAfterMs = 400;
/** After a round that could not be run, or did not reach the present. */
const retryAfterMs = 100;
/** For the blocks that one read makes; those of an event of 100,000 seats take a fifth of it. */
const makingLimitMs = 1_000;
const lookForEventsEveryMs = 10_000;
const eventsPerLook = 20;

interface CountsRow extends SeatCounts {
  readonly event_id: string;
}

interface SeatCountsDependencies {
  readonly connections: Connections;
  readonly reads: Reads;
  readonly logger: SeatCoreLogger;
}

/**
 * The counts of the seats of each event, kept for blocks of 500 seats. Transitions do not write them: rounds recount the
 * blocks that `booking_events` says have changed. The expiry worker runs a round three times a second. Without a worker
 * a reader does, when the counts are old. So a list of events costs 200 short rows for each, however many seats exist.
 */
export class SeatCountsTable {
  readonly #dependencies: SeatCountsDependencies;
  #freshUntil = -Infinity;
  #refreshing: Promise<void> | undefined;
  #lookedForEventsAt = -Infinity;

  constructor(dependencies: SeatCountsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @see SeatCore.countSeats */
  async advance(input: { readonly limit?: number } = {}): Promise<number> {
    const check = new InputCheck(input);
    const limit = check.integer('/limit', input.limit ?? maxCountedRecords, 1, maxCountedRecords);
    check.throwIfAny();
    const records = await this.#runRound(limit);
    const now = performance.now();
    if (now - this.#lookedForEventsAt >= lookForEventsEveryMs) {
      this.#lookedForEventsAt = now;
      await this.#makeMissingBlocks();
    }
    return records;
  }

  /**
   * Runs a round when the counts are old. Where none can be run, on a read-only server or while another process runs
   * one, the counts stay as they are.
   *
   * @throws as `Connections`, when PostgreSQL cannot be asked how old they are
   */
  async refresh(): Promise<void> {
    if (performance.now() < this.#freshUntil) return;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  /**
   * The counts of events, by id; all zero for an event that has no seats.
   *
   * @throws OVERLOADED when more events have no blocks yet than can be counted in a second; else as `Connections`
   */
  async read(eventIds: readonly string[]): Promise<Map<string, SeatCounts>> {
    await this.refresh();
    const rows = await this.#dependencies.reads.rows<CountsRow>(readCountsStatement, [eventIds]);
    const counts = new Map<string, SeatCounts>(
      rows.map(({ event_id: eventId, ...ofEvent }) => [eventId, ofEvent]),
    );
    const startedAt = performance.now();
    for (const id of eventIds) {
      if (counts.has(id)) continue;
      if (performance.now() - startedAt > makingLimitMs)
        throw new SeatCoreError('OVERLOADED', 'the seats of events are being counted for the first time');
      counts.set(id, await this.makeBlocks(id));
    }
    return counts;
  }

  async hasBlocks(eventId: string): Promise<boolean> {
    return (await this.#dependencies.reads.rows(readCountsStatement, [[eventId]])).length > 0;
  }

  /** Makes the blocks of an event that has none, and counts its seats. */
  async makeBlocks(eventId: string): Promise<SeatCounts> {
    const [counts] = await this.#write<SeatCounts>(commitAtOnceStatement, {
      statement: makeBlocksStatement,
      values: [eventId],
    });
    return counts!;
  }

  async #refresh(): Promise<void> {
    const { connections, logger } = this.#dependencies;
    const [row] = await connections.rows<{ age_ms: number; is_read_only: boolean }>(
      readCountsAgeStatement,
      [],
    );
    const restMs = staleAfterMs - (row?.age_ms ?? Infinity);
    this.#freshUntil = performance.now() + Math.max(restMs, retryAfterMs);
    if (restMs > 0 || row?.is_read_only !== false) return;
    try {
      const records = await this.#runRound(maxCountedRecords);
      if (records < maxCountedRecords) this.#freshUntil = performance.now() + staleAfterMs;
    } catch (err) {
      logger.debug({ err }, 'counting seats failed; the counts stay as they are');
    }
  }

  /** @returns how many records it read */
  async #runRound(limit: number): Promise<number> {
    const [row] = await this.#write<{ records: number }>(takeCountingTurnStatement, {
      statement: countSeatsStatement,
      values: [limit],
    });
    return row!.records;
  }

  /** A lost answer loses nothing: every write here can be repeated. */
  #write<Row extends object>(before: Statement, call: Call): Promise<Row[]> {
    return this.#dependencies.connections.lend(
      (client) => runBehindLocks<Row>(client, { statement: before, values: [] }, call),
      { commits: false },
    );
  }

  async #makeMissingBlocks(): Promise<void> {
    for (;;) {
      const rows = await this.#dependencies.connections.rows<{ id: string }>(
        findEventsWithoutBlocksStatement,
        [eventsPerLook],
      );
      for (const { id } of rows) await this.makeBlocks(id);
      if (rows.length < eventsPerLook) return;
    }
  }
}
