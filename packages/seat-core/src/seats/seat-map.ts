import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { SeatCoreError } from '../errors.ts';
import type { Reads } from '../postgres/replica.ts';
import { toSeatView, type SeatRow } from '../records/rows.ts';
import { nextStartAt } from '../resilience/pacing.ts';
import type { Money, Seat, SeatStatus } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { readSeatSliceStatement, readStatusesStatement } from './seat-map.sql.ts';

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
}

const lifetimeMs = 1_000;
/** After a build a process rests for four times as long: maps cost at most a fifth of its time. */
const restFactor = 4;
/** All kept maps together; a seat costs about 150 bytes. */
const maxSeatsKept = 400_000;
/** Between slices the event loop serves other requests. */
const seatsPerSlice = 5_000;

interface KeptMap {
  readonly map: SeatMap;
  /** When the next build may start, in `performance.now()` terms. */
  readonly staleAt: number;
}

interface StatusesRow {
  readonly statuses: string;
  /** numeric arrives as text. */
  readonly version: string;
}

/**
 * Builds the map of an event at most once a second, however many callers ask. Only the statuses are read again, as one
 * text with a letter per seat: this costs PostgreSQL and the wire a fraction of 100,000 rows.
 */
export class SeatMapReader {
  readonly #dependencies: SeatMapDependencies;
  readonly #kept = new LRUCache<string, KeptMap>({
    maxSize: maxSeatsKept,
    sizeCalculation: ({ map }) => Math.max(1, map.seats.length),
  });
  readonly #building = new Map<string, Promise<SeatMap>>();

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
    if (kept !== undefined && performance.now() < kept.staleAt) return kept.map;
    const running = this.#building.get(eventId);
    if (running !== undefined) return running;
    const building = this.#build(eventId, kept?.map.seats).finally(() => this.#building.delete(eventId));
    this.#building.set(eventId, building);
    return building;
  }

  async #build(eventId: string, known: readonly Seat[] | undefined): Promise<SeatMap> {
    const before = known ?? (await this.#readSeats(eventId));
    const startedAt = performance.now();
    const asOf = new Date();
    const [row] = await this.#dependencies.reads.rows<StatusesRow>(readStatusesStatement, [eventId]);
    if (row?.statuses === '') {
      // Retired meanwhile: every event has seats.
      this.#kept.delete(eventId);
      throw new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
    }
    if (row?.statuses.length !== before.length) {
      throw new Error(`event ${eventId} has ${row?.statuses.length} seats, its map has ${before.length}`);
    }
    const seats = await withStatuses(before, row.statuses);
    const map: SeatMap = { eventId, version: Number(row.version), asOf, seats };
    const tookMs = performance.now() - startedAt;
    const staleAt = nextStartAt({ startedAt, tookMs, everyMs: lifetimeMs, restFactor });
    this.#kept.set(eventId, { map, staleAt });
    return map;
  }

  /** The seats of an event as if all were free; only the status of a seat ever changes. */
  async #readSeats(eventId: string): Promise<Seat[]> {
    const { reads } = this.#dependencies;
    const shared = new SharedValues();
    const seats: Seat[] = [];
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const rows = await reads.rows<SeatRow>(readSeatSliceStatement, [eventId, after, seatsPerSlice]);
      for (const row of rows) seats.push(shared.in(toSeatView(row.id, row, 'AVAILABLE')));
      const last = rows.at(-1);
      if (last === undefined || rows.length < seatsPerSlice) return seats;
      after = last.id;
    }
  }
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

/** Keeps one copy of what thousands of seats have in common: rows bring each seat a copy of its own. */
class SharedValues {
  readonly #texts = new Map<string, string>();
  readonly #prices = new Map<string, Money>();

  in(seat: Seat): Seat {
    return {
      ...seat,
      eventId: this.#text(seat.eventId),
      section: this.#text(seat.section),
      row: this.#text(seat.row),
      price: this.#price(seat.price),
    };
  }

  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }

  #price(price: Money): Money {
    const key = `${price.amount} ${price.currency}`;
    const known = this.#prices.get(key);
    if (known === undefined) this.#prices.set(key, price);
    return known ?? price;
  }
}
