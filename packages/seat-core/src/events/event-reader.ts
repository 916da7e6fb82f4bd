import { desc, inArray, lt, sql } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import { SeatCoreError } from '../errors.ts';
import type { Reads } from '../postgres/replica.ts';
import { events, seats } from '../postgres/schema.ts';
import type { SeatCounts, SeatStatus, TicketedEvent } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { toEventView, type EventRow } from './event-row.ts';
import { EventLookup } from './event-lookup.ts';

export interface ListEventsInput {
  /** 1–100, default 20. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

export interface EventPage {
  /** The newest first. */
  readonly events: readonly TicketedEvent[];
  /** The `after` of the next page; null on the last one. */
  readonly next: string | null;
}

/** A retired event is unknown this long later. */
const rowLifetimeMs = 1_000;

/** Reads events, which never change but may be retired, and their seat counts, up to a second old. */
export class EventReader {
  readonly #reads: Reads;
  readonly #rows = new LRUCache<string, EventRow>({ max: 1_000, ttl: rowLifetimeMs });
  readonly #lookup = new EventLookup<EventRow>((ids) =>
    this.#reads.read((database) =>
      database
        .select()
        .from(events)
        .where(inArray(events.id, [...ids])),
    ),
  );
  readonly #counts = new LRUCache<string, Promise<SeatCounts>>({ max: 1_000, ttl: 1_000 });

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** The event's row, read at most once a second. @throws EVENT_NOT_FOUND */
  async require(eventId: string): Promise<EventRow> {
    const known = this.#rows.get(eventId);
    if (known !== undefined) return known;
    const row = await this.#lookup.find(eventId);
    if (row === undefined) throw new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
    this.#rows.set(eventId, row);
    return row;
  }

  /** @see SeatCore.getEvent */
  async get(input: { readonly eventId: string }): Promise<TicketedEvent> {
    const check = new InputCheck(input);
    const eventId = check.id('/eventId', input.eventId);
    check.throwIfAny();
    const row = await this.require(eventId);
    const [event] = await this.#withCounts([row]);
    return event!;
  }

  /** @see SeatCore.listEvents */
  async list(input: ListEventsInput = {}): Promise<EventPage> {
    const check = new InputCheck(input);
    const limit = check.integer('/limit', input.limit ?? 20, 1, 100);
    const after = input.after === undefined ? undefined : check.id('/after', input.after);
    check.throwIfAny();
    // Ids are UUIDs of version 7: their order is that of creation.
    const found = await this.#reads.read((database) =>
      database
        .select()
        .from(events)
        .where(after === undefined ? undefined : lt(events.id, after))
        .orderBy(desc(events.id))
        .limit(limit + 1),
    );
    const page = found.slice(0, limit);
    return {
      events: await this.#withCounts(page),
      next: found.length > limit ? (page.at(-1)?.id ?? null) : null,
    };
  }

  async #withCounts(rows: readonly EventRow[]): Promise<TicketedEvent[]> {
    const uncounted = rows.map((row) => row.id).filter((id) => this.#counts.get(id) === undefined);
    const counting = this.#count(uncounted);
    return Promise.all(rows.map(async (row) => toEventView(row, await this.#sharedCounts(row.id, counting))));
  }

  #sharedCounts(eventId: string, counting: Promise<Map<string, SeatCounts>>): Promise<SeatCounts> {
    const known = this.#counts.get(eventId);
    if (known !== undefined) return known;
    const counts = counting.then((byEvent) => byEvent.get(eventId) ?? { available: 0, reserved: 0, sold: 0 });
    this.#counts.set(eventId, counts);
    counts.catch(() => this.#counts.delete(eventId));
    return counts;
  }

  async #count(eventIds: readonly string[]): Promise<Map<string, SeatCounts>> {
    if (eventIds.length === 0) return new Map();
    const countOf = (status: SeatStatus) =>
      sql<number>`(count(*) filter (where ${seats.status} = ${status}))::int`;
    const rows = await this.#reads.read((database) =>
      database
        .select({
          eventId: seats.eventId,
          available: countOf('AVAILABLE'),
          reserved: countOf('RESERVED'),
          sold: countOf('SOLD'),
        })
        .from(seats)
        .where(inArray(seats.eventId, [...eventIds]))
        .groupBy(seats.eventId),
    );
    return new Map(rows.map(({ eventId, ...counts }) => [eventId, counts]));
  }
}
