import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import type { Context } from '../options.ts';
import { DependencyAwayError } from '../resilience/circuit-breaker.ts';
import type { EventReader } from '../events/event-reader.ts';
import { InputCheck } from '../validation.ts';
import { readRowsAnywhere } from '../postgres/replica.ts';
import { toSeatView, type SeatRow } from '../records/seat-rows.ts';
import type { NamedStatement } from '../postgres/statement.ts';
import type { Seat } from '../types.ts';
import { withinBudget } from '../resilience/within-budget.ts';

export interface ListAvailableSeatsInput {
  /** Without it: over all coming events, the soonest first. */
  readonly eventId?: string;
  /** 1–100, default 10. */
  readonly limit?: number;
}

export interface AvailableSeats {
  readonly seats: readonly Seat[];
  /** The moment this is a picture of, at most about a second ago. */
  readonly asOf: Date;
}

const lifetimeMs = 1_000;
/** A loader rests for four times what it took, so that lists cost a fifth of the time of one connection at most. */
const restsPerLoad = 4;
const pollMs = 20;

const listKey = (eventId: string | undefined) =>
  eventId === undefined ? 'seats:available' : `seats:available:${eventId}`;
const loaderKey = (eventId: string | undefined) => `lock:${listKey(eventId)}`;

/** Drops the lists that may show seats of this event. */
export async function forgetAvailableSeats(redis: Redis, eventId: string): Promise<void> {
  await Promise.all([redis.del(listKey(undefined)), redis.del(listKey(eventId))]);
}

/**
 * The lists of free seats, kept in Redis for a second. When a list is gone, one caller of all processes
 * loads it; the others of this process share its promise, those of other processes wait for the key. Each
 * caller is given a random choice of the list, so that not everybody fights for the same ten seats.
 */
export class AvailableSeatsReader {
  readonly #context: Context;
  readonly #events: EventReader;
  /** What this process saw last: shown while a dropped list may not be loaded yet. */
  readonly #latest = new LRUCache<string, AvailableSeats>({ max: 100, ttl: lifetimeMs });
  readonly #loading = new Map<string, Promise<AvailableSeats>>();

  constructor(context: Context, events: EventReader) {
    this.#context = context;
    this.#events = events;
  }

  async list(input: ListAvailableSeatsInput): Promise<AvailableSeats> {
    const check = new InputCheck();
    const eventId = input.eventId === undefined ? undefined : check.id('/eventId', input.eventId);
    const limit = check.integer('/limit', input.limit ?? 10, 1, 100);
    check.throwIfAny();
    const list = (await this.#readCached(eventId)) ?? (await this.#loadShared(eventId));
    return { seats: chooseAtRandom(list.seats, limit), asOf: list.asOf };
  }

  async #readCached(eventId: string | undefined): Promise<AvailableSeats | null> {
    const { redis, metrics, logger } = this.#context;
    const key = listKey(eventId);
    try {
      const [json, remainingMs] = await redis.run((client) =>
        Promise.all([client.get(key), client.pttl(key)]),
      );
      metrics.availableSeatsCache.inc({ result: json === null ? 'miss' : 'hit' });
      if (json === null) return null;
      const asOf = new Date(Date.now() - (lifetimeMs - Math.max(0, remainingMs)));
      return this.#remember(key, { seats: JSON.parse(json) as Seat[], asOf });
    } catch (error) {
      metrics.availableSeatsCache.inc({ result: 'error' });
      const level = error instanceof DependencyAwayError ? 'debug' : 'warn';
      logger[level]({ err: error }, 'the list of available seats could not be read from the cache');
      // Without Redis each process has a list of its own, as old as that of Redis would be.
      return this.#latest.get(key) ?? null;
    }
  }

  async #loadShared(eventId: string | undefined): Promise<AvailableSeats> {
    const key = listKey(eventId);
    const underway = this.#loading.get(key);
    if (underway !== undefined) return underway;
    const loading = this.#loadOrAwait(eventId).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  async #loadOrAwait(eventId: string | undefined): Promise<AvailableSeats> {
    const { redis } = this.#context;
    const deadline = Date.now() + lifetimeMs;
    while (Date.now() < deadline) {
      const isLoader = await redis
        .run((client) => client.set(loaderKey(eventId), '1', 'PX', lifetimeMs, 'NX'))
        .then(
          (reply) => reply === 'OK',
          () => true,
        );
      if (isLoader) break;
      const latest = this.#latest.get(listKey(eventId));
      if (latest !== undefined) return latest;
      await delay(pollMs);
      const cached = await this.#readCached(eventId);
      if (cached !== null) return cached;
    }
    return this.#load(eventId);
  }

  async #load(eventId: string | undefined): Promise<AvailableSeats> {
    const { redis, logger } = this.#context;
    const asOf = new Date();
    const rows =
      eventId === undefined
        ? await readRowsAnywhere<SeatRow>(this.#context, availableOfComingEvents, [])
        : await readRowsAnywhere<SeatRow>(this.#context, availableOfEvent, [eventId]);
    if (rows.length === 0 && eventId !== undefined) await this.#requireEvent(eventId);
    const list = this.#remember(listKey(eventId), {
      seats: rows.map((row) => toSeatView(row.id, row, 'AVAILABLE')),
      asOf,
    });
    const tookMs = Date.now() - asOf.getTime();
    if (redis.isAway) return list;
    await redis
      .run((client) =>
        Promise.all([
          client.set(listKey(eventId), JSON.stringify(list.seats), 'PX', Math.max(1, lifetimeMs - tookMs)),
          client.pexpire(loaderKey(eventId), Math.min(lifetimeMs, Math.max(1, tookMs * restsPerLoad))),
        ]),
      )
      .catch((error: unknown) =>
        logger.warn({ err: error }, 'the list of available seats could not be cached'),
      );
    return list;
  }

  /** Nobody should wait for the list of an event that does not exist. */
  async #requireEvent(eventId: string): Promise<void> {
    try {
      await this.#events.require(eventId);
    } catch (error) {
      const { redis } = this.#context;
      await withinBudget(
        this.#context,
        redis.run((client) => client.del(loaderKey(eventId))),
      );
      throw error;
    }
  }

  #remember(key: string, list: AvailableSeats): AvailableSeats {
    this.#latest.set(key, list, { ttl: Math.max(1, lifetimeMs - (Date.now() - list.asOf.getTime())) });
    return list;
  }
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

const availableOfEvent: NamedStatement = {
  name: 'available-of-event',
  text: `
select id, event_id, section, "row", number, price_amount, currency
from seats
where event_id = $1 and status = 'AVAILABLE'
order by random()
limit 200`,
};

/** Reads event by event and stops at 200 seats; 100 of one event are as many as one answer shows. */
const availableOfComingEvents: NamedStatement = {
  name: 'available-of-coming-events',
  text: `
select seat.*
from (select id from events where starts_at > clock_timestamp() order by starts_at, id) event
cross join lateral (
  select id, event_id, section, "row", number, price_amount, currency
  from seats
  where event_id = event.id and status = 'AVAILABLE'
  limit 100
) seat
limit 200`,
};
