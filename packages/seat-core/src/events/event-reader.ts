import { desc, getTableColumns, inArray, lt } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import { SeatCoreError } from '../errors.ts';
import type { Reads } from '../postgres/replica.ts';
import { events } from '../postgres/schema.ts';
import type { SeatCountsTable } from '../states/seat-counts.ts';
import type { SeatCounts, TicketedEvent } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { toEventView, type EventRow } from './event-row.ts';
import { EventLookup } from './event-lookup.ts';
import { findEventsStatement, sectionsInList } from './events.sql.ts';

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
/** Counts are 0.4 s old when they are read. */
const countsLifetimeMs = 500;
/** All kept rows together; a section has about 300 bytes. */
const maxSectionsKept = 20_000;
/** Read at a time: 100 kB each at most. */
const rowsPerStatement = 20;
const idsPerStatement = 1_000;

/** Reads events, which never change but may be retired, and their seat counts, up to a second old. */
export class EventReader {
  readonly #reads: Reads;
  readonly #countsTable: SeatCountsTable;
  readonly #known = new LRUCache<string, true>({ max: 10_000, ttl: rowLifetimeMs });
  readonly #rows = new LRUCache<string, EventRow>({
    maxSize: maxSectionsKept,
    sizeCalculation: ({ sections }) => 1 + sections.length,
    ttl: rowLifetimeMs,
  });
  readonly #knownLookup = new EventLookup<{ readonly id: string }>(
    (ids) => this.#reads.rows(findEventsStatement, [ids]),
    idsPerStatement,
  );
  readonly #rowLookup = new EventLookup<EventRow>(
    (ids) =>
      this.#reads.read((database) =>
        database
          .select()
          .from(events)
          .where(inArray(events.id, [...ids])),
      ),
    rowsPerStatement,
  );
  readonly #counts = new LRUCache<string, Promise<SeatCounts>>({ max: 1_000, ttl: countsLifetimeMs });

  constructor(reads: Reads, counts: SeatCountsTable) {
    this.#reads = reads;
    this.#countsTable = counts;
  }

  /** Asks for the event at most once a second, and not for its sections. @throws EVENT_NOT_FOUND */
  async require(eventId: string): Promise<void> {
    if (this.#known.has(eventId)) return;
    const row = await this.#knownLookup.find(eventId);
    if (row === undefined) throw unknownEvent(eventId);
    this.#known.set(eventId, true);
  }

  /** @see SeatCore.getEvent */
  async get(input: { readonly eventId: string }): Promise<TicketedEvent> {
    const check = new InputCheck(input);
    const eventId = check.id('/eventId', input.eventId);
    check.throwIfAny();
    // First, so that a flood of unknown ids reads few rows at a time.
    await this.require(eventId);
    const row = this.#rows.get(eventId) ?? (await this.#rowLookup.find(eventId));
    if (row === undefined) throw unknownEvent(eventId);
    this.#rows.set(eventId, row);
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
        .select({ ...getTableColumns(events), ...sectionsInList })
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
    const counting =
      uncounted.length === 0
        ? Promise.resolve(new Map<string, SeatCounts>())
        : this.#countsTable.read(uncounted);
    return Promise.all(rows.map(async (row) => toEventView(row, await this.#sharedCounts(row.id, counting))));
  }

  #sharedCounts(eventId: string, counting: Promise<Map<string, SeatCounts>>): Promise<SeatCounts> {
    const known = this.#counts.get(eventId);
    if (known !== undefined) return known;
    const counts = counting.then((byEvent) => byEvent.get(eventId)!);
    this.#counts.set(eventId, counts);
    counts.catch(() => this.#counts.delete(eventId));
    return counts;
  }
}

function unknownEvent(eventId: string): SeatCoreError {
  return new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
}
