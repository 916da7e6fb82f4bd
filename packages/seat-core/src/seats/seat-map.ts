import { setImmediate as nextTurn } from 'node:timers/promises';
import { SeatCoreError } from '../errors.ts';
import type { Reads } from '../postgres/replica.ts';
import { BulkWaiters, type BulkKind, type BulkTurns } from '../resilience/bulk-turns.ts';
import type { MemoryBudget } from '../resilience/memory-budget.ts';
import { nextStartAt } from '../resilience/pacing.ts';
import type { Seat, SeatStatus } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { readPlacesStatement, readStatusesStatement } from './seat-map.sql.ts';

/** Every seat of an event as of one moment. */
export interface SeatMap {
  readonly eventId: string;
  /** The sum of the seats' versions: it rises with every change, and is the same in every process. */
  readonly version: number;
  readonly asOf: Date;
  /**
   * In the order in which the organizer wrote them. A seat whose status did not change is the same object as in the map
   * before, so a caller that renders maps can reuse what it made of it.
   */
  readonly seats: readonly Seat[];
}

export interface SeatMapDependencies {
  readonly reads: Reads;
  /** @throws EVENT_NOT_FOUND */
  readonly requireEvent: (eventId: string) => Promise<unknown>;
  readonly turns: BulkTurns;
  readonly memory: MemoryBudget;
}

const lifetimeMs = 1_000;
/** After a build the event rests for four times as long, and so do all events together: see BulkTurns. */
const restFactor = 4;
/** While the process rests, a map is shown again until it is this old. */
const oldestMs = 5_000;
/** Between slices the event loop serves other requests: about a millisecond of work. */
const seatsPerSlice = 2_000;
const seatsPerStatement = 20_000;
/** A seat and its id, measured on 100,000. */
const bytesPerSeat = 170;
/** What an event costs beside its seats. */
const bytesPerMap = 2_048;

interface KeptMap {
  readonly map: SeatMap;
  /** When the next build may start, in `performance.now()` terms. */
  readonly staleAt: number;
  readonly oldAt: number;
}

interface Building {
  readonly map: Promise<SeatMap>;
  readonly waiters: BulkWaiters;
}

/** The seats of one row of the venue that have one price. */
interface PlacesRow {
  readonly section: string;
  readonly row: string;
  /** bigint arrives as text. */
  readonly price_amount: string;
  readonly currency: string;
  /** 36 letters each. */
  readonly ids: string;
  readonly numbers: string;
}

const idLength = 36;

interface StatusesRow {
  readonly statuses: string;
  /** numeric arrives as text. */
  readonly version: string;
}

/**
 * Builds the map of an event at most once a second, however many callers ask, and one map at a time. Only the statuses are read again, as one
 * text with a letter per seat: this costs PostgreSQL and the wire a fraction of 100,000 rows.
 */
export class SeatMapReader {
  readonly #dependencies: SeatMapDependencies;
  readonly #kept = new Map<string, KeptMap>();
  readonly #building = new Map<string, Building>();

  constructor(dependencies: SeatMapDependencies) {
    this.#dependencies = dependencies;
  }

  /** @see SeatCore.getSeatMap */
  async get(input: { readonly eventId: string }): Promise<SeatMap> {
    const check = new InputCheck(input);
    const eventId = check.id('/eventId', input.eventId);
    check.throwIfAny();
    // A retired event is unknown, whatever is kept.
    await this.#dependencies.requireEvent(eventId);
    const kept = this.#kept.get(eventId);
    if (kept !== undefined) {
      this.#dependencies.memory.touch(kept);
      const now = performance.now();
      if (now < kept.staleAt || (now < kept.oldAt && this.#dependencies.turns.isResting('refresh')))
        return kept.map;
    }
    const { map, waiters } = this.#building.get(eventId) ?? this.#startBuilding(eventId);
    return waiters.wait(map);
  }

  #startBuilding(eventId: string): Building {
    const kind: BulkKind = this.#kept.has(eventId) ? 'refresh' : 'first';
    const waiters = new BulkWaiters();
    const map = this.#dependencies.turns
      .run(
        kind,
        () => this.#build(eventId),
        () => waiters.count,
      )
      .finally(() => this.#building.delete(eventId));
    const building = { map, waiters };
    this.#building.set(eventId, building);
    // Its callers may all have stopped waiting.
    map.catch(() => undefined);
    return building;
  }

  async #build(eventId: string): Promise<SeatMap> {
    const { reads, memory } = this.#dependencies;
    const kept = this.#kept.get(eventId);
    const before = kept?.map.seats ?? (await this.#readSeats(eventId));
    const startedAt = performance.now();
    const asOf = new Date();
    const [row] = await reads.rows<StatusesRow>(readStatusesStatement, [eventId]);
    if (kept !== undefined) this.#drop(eventId, kept);
    // Retired meanwhile: every event has seats.
    if (row?.statuses === '') throw new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
    if (row?.statuses.length !== before.length) {
      throw new Error(`event ${eventId} has ${row?.statuses.length} seats, its map has ${before.length}`);
    }
    const seats = await withStatuses(before, row.statuses);
    const map: SeatMap = { eventId, version: Number(row.version), asOf, seats };
    const tookMs = performance.now() - startedAt;
    const staleAt = nextStartAt({ startedAt, tookMs, everyMs: lifetimeMs, restFactor });
    const built = { map, staleAt, oldAt: startedAt + oldestMs };
    memory.keep(built, { bytes: bytesOf(seats.length), evict: () => this.#kept.delete(eventId) });
    this.#kept.set(eventId, built);
    return map;
  }

  #drop(eventId: string, kept: KeptMap): void {
    this.#kept.delete(eventId);
    this.#dependencies.memory.free(kept);
  }

  /** The seats of an event as if all were free; only the status of a seat ever changes. */
  async #readSeats(eventId: string): Promise<Seat[]> {
    const { reads, memory } = this.#dependencies;
    const rows: PlacesRow[] = [];
    let count = 0;
    let last = '00000000-0000-0000-0000-000000000000';
    for (let read = seatsPerStatement; read === seatsPerStatement; count += read) {
      const slice = await reads.rows<PlacesRow>(readPlacesStatement, [eventId, last, seatsPerStatement]);
      read = 0;
      for (const row of slice) {
        rows.push(row);
        read += row.ids.length / idLength;
        const end = row.ids.slice(-idLength);
        if (end > last) last = end;
      }
    }
    // Refused before there are objects of them.
    const place = {};
    memory.keep(place, { bytes: bytesOf(count), isInUse: () => true, evict: () => undefined });
    try {
      return await toSeats(eventId, rows);
    } finally {
      memory.free(place);
    }
  }
}

function bytesOf(seats: number): number {
  return bytesPerMap + seats * bytesPerSeat;
}

async function toSeats(eventId: string, rows: readonly PlacesRow[]): Promise<Seat[]> {
  const seats: Seat[] = [];
  const texts = new Map<string, string>();
  let isOrdered = true;
  let last = '';
  for (const row of rows.toSorted((one, other) => (one.ids < other.ids ? -1 : 1))) {
    const { currency, ids } = row;
    // Rows bring each text a copy of its own.
    const section = texts.get(row.section) ?? row.section;
    texts.set(section, section);
    const price = { amount: Number(row.price_amount), currency };
    for (const [index, number] of row.numbers.split(' ').entries()) {
      const id = ids.slice(index * idLength, (index + 1) * idLength);
      isOrdered &&= last < id;
      last = id;
      seats.push({ id, eventId, section, row: row.row, number: Number(number), price, status: 'AVAILABLE' });
      if (seats.length % seatsPerSlice === 0) await nextTurn();
    }
  }
  // Only an event that another program wrote may have the ids of a row among those of another.
  return isOrdered ? seats : seats.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

const statusByLetter: Readonly<Record<string, SeatStatus>> = { A: 'AVAILABLE', R: 'RESERVED', S: 'SOLD' };

/** @param statuses a letter per seat */
async function withStatuses(before: readonly Seat[], statuses: string): Promise<Seat[]> {
  const seats = [...before];
  for (let index = 0; index < seats.length; index++) {
    if (index > 0 && index % seatsPerSlice === 0) await nextTurn();
    const status = statusByLetter[statuses[index]!]!;
    if (seats[index]!.status !== status) seats[index] = { ...seats[index]!, status };
  }
  return seats;
}
