import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import type { Reads } from '../postgres/replica.ts';
import { toSeatView, type SeatRow } from '../records/rows.ts';
import {
  becomeLoader,
  listLifetimeMs,
  readAvailableList,
  resignAsLoader,
  writeAvailableList,
} from '../redis/available-lists.ts';
import type { RedisClient } from '../redis/keys.ts';
import type { Background } from '../resilience/background.ts';
import { isLoggedByCircuit, type CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { SeatCountsTable } from '../states/seat-counts.ts';
import type { Seat } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { availableOfComingEventsStatement, availableOfEventStatement } from './available-seats.sql.ts';

export interface ListAvailableSeatsInput {
  /** Without it: over all coming events, the soonest first. */
  readonly eventId?: string;
  /** 1–100, default 10. */
  readonly limit?: number;
}

export interface AvailableSeats {
  readonly seats: readonly Seat[];
  /** When the list was read, at most about a second ago. */
  readonly asOf: Date;
}

export interface AvailableSeatsDependencies {
  readonly reads: Reads;
  readonly counts: SeatCountsTable;
  readonly redis: CircuitBreaker<RedisClient>;
  readonly background: Background;
  readonly metrics: SeatCoreMetrics;
  readonly logger: SeatCoreLogger;
  /** @throws EVENT_NOT_FOUND */
  readonly requireEvent: (eventId: string) => Promise<unknown>;
}

/** After a load a process rests for four times as long: lists cost at most a fifth of the time of one connection. */
const restFactor = 4;
const pollMs = 20;
/** The cache key of the list over all coming events. */
const allEvents = '';

/**
 * The lists of free seats, kept in Redis for a second. When a list is gone, one caller of all processes loads it. The
 * other callers of its process share its promise; those of other processes wait for the key. Each caller gets a
 * random choice of the list, so that a crowd does not fight for the same ten seats.
 */
export class AvailableSeatsReader {
  readonly #dependencies: AvailableSeatsDependencies;
  /** The newest list of this process: the answer while a deleted list may not be loaded yet. */
  readonly #latest = new LRUCache<string, AvailableSeats>({ max: 100, ttl: listLifetimeMs });
  /** One at a time for each list, so that a crowd costs one look-up; these resolve to null where there is no list. */
  readonly #reading = new Map<string, Promise<AvailableSeats | null>>();
  readonly #loading = new Map<string, Promise<AvailableSeats>>();

  constructor(dependencies: AvailableSeatsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @see SeatCore.listAvailableSeats */
  async list(input: ListAvailableSeatsInput): Promise<AvailableSeats> {
    const check = new InputCheck(input);
    const eventId = input.eventId === undefined ? undefined : check.id('/eventId', input.eventId);
    const limit = check.integer('/limit', input.limit ?? 10, 1, 100);
    check.throwIfAny();
    const list =
      (await this.#readCached(eventId)) ??
      (await shared(this.#loading, eventId, () => this.#loadOrAwait(eventId)));
    return { seats: chooseAtRandom(list.seats, limit), asOf: list.asOf };
  }

  #readCached(eventId: string | undefined): Promise<AvailableSeats | null> {
    return shared(this.#reading, eventId, () => this.#readFromRedis(eventId));
  }

  async #readFromRedis(eventId: string | undefined): Promise<AvailableSeats | null> {
    const { redis, metrics, logger } = this.#dependencies;
    try {
      const list = await redis.run((client) => readAvailableList(client, eventId));
      metrics.availableSeatsCache.inc({ result: list === null ? 'miss' : list === 'broken' ? list : 'hit' });
      if (list === 'broken')
        logger.warn({ eventId }, 'unreadable list of free seats in Redis deleted; it is loaded again');
      return list === null || list === 'broken' ? null : this.#keep(eventId, list);
    } catch (err) {
      metrics.availableSeatsCache.inc({ result: 'error' });
      const level = isLoggedByCircuit(err) ? 'debug' : 'warn';
      logger[level]({ err }, 'reading the list of free seats from Redis failed');
      // Without Redis each process has a list of its own, no older than the list in Redis would be.
      return this.#latest.get(eventId ?? allEvents) ?? null;
    }
  }

  async #loadOrAwait(eventId: string | undefined): Promise<AvailableSeats> {
    const { redis } = this.#dependencies;
    const deadline = Date.now() + listLifetimeMs;
    while (Date.now() < deadline) {
      if (await redis.run((client) => becomeLoader(client, eventId)).catch(() => true)) break;
      const latest = this.#latest.get(eventId ?? allEvents);
      if (latest !== undefined) return latest;
      await delay(pollMs);
      const cached = await this.#readCached(eventId);
      if (cached !== null) return cached;
    }
    return this.#load(eventId);
  }

  async #load(eventId: string | undefined): Promise<AvailableSeats> {
    const { redis, logger } = this.#dependencies;
    const asOf = new Date();
    const rows = await this.#readRows(eventId);
    const seats = rows.map((row) => toSeatView(row.id, row, 'AVAILABLE'));
    const list = this.#keep(eventId, { seats, asOf });
    const tookMs = Date.now() - asOf.getTime();
    if (redis.isOpen) return list;
    await redis
      .run((client) => writeAvailableList(client, eventId, { seats, tookMs, restMs: tookMs * restFactor }))
      .catch((err: unknown) =>
        logger[isLoggedByCircuit(err) ? 'debug' : 'warn'](
          { err },
          'writing the list of free seats to Redis failed',
        ),
      );
    return list;
  }

  async #readRows(eventId: string | undefined): Promise<readonly SeatRow[]> {
    const { reads, counts } = this.#dependencies;
    await counts.refresh();
    if (eventId === undefined) return reads.rows<SeatRow>(availableOfComingEventsStatement, []);
    const read = () => reads.rows<SeatRow>(availableOfEventStatement, [eventId]);
    const rows = await read();
    if (rows.length > 0) return rows;
    await this.#requireEvent(eventId);
    return (await counts.hasBlocks(eventId)) ? rows : counts.makeBlocks(eventId).then(read);
  }

  /** Resigns as loader when the event does not exist: another process should not wait for its list. */
  async #requireEvent(eventId: string): Promise<void> {
    const { redis, background, requireEvent } = this.#dependencies;
    try {
      await requireEvent(eventId);
    } catch (error) {
      await background.withinBudget(redis.run((client) => resignAsLoader(client, eventId)));
      throw error;
    }
  }

  #keep(eventId: string | undefined, list: AvailableSeats): AvailableSeats {
    const remainingMs = Math.max(1, listLifetimeMs - (Date.now() - list.asOf.getTime()));
    this.#latest.set(eventId ?? allEvents, list, { ttl: remainingMs });
    return list;
  }
}

/** Work for a list that is under way already, else new work. */
function shared<T>(
  running: Map<string, Promise<T>>,
  eventId: string | undefined,
  start: () => Promise<T>,
): Promise<T> {
  const key = eventId ?? allEvents;
  const known = running.get(key);
  if (known !== undefined) return known;
  const started = start().finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

function chooseAtRandom<Item>(items: readonly Item[], count: number): Item[] {
  const pool = [...items];
  const chosen = Math.min(count, pool.length);
  // The first steps of a Fisher–Yates shuffle.
  for (let index = 0; index < chosen; index++) {
    const other = randomInt(index, pool.length);
    [pool[index], pool[other]] = [pool[other]!, pool[index]!];
  }
  return pool.slice(0, chosen);
}
