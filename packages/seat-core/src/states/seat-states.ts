import { seatIdOf, seatIndexOf } from '../ids.ts';
import type { Reads } from '../postgres/replica.ts';
import { seatStatuses, type SeatStatus } from '../types.ts';
import { countSeatsOfEventStatement, readStatesStatement } from './seat-states.sql.ts';

/** Status and version of one seat, by its index in the order of the layout, from 0. */
export interface SeatState {
  readonly index: number;
  readonly status: SeatStatus;
  readonly version: number;
}

const letters = seatStatuses.map((status) => status.charCodeAt(0));
const available = seatStatuses.indexOf('AVAILABLE');

/** A byte for the status, eight for the version. */
export const bytesPerSeat = 9;

/**
 * Status and version of each seat of an event, as this process knows them. Changes may arrive in any order and any
 * number of times: `apply` moves a seat to a higher version only.
 */
export class SeatStates {
  readonly #eventId: string;
  /** Indexes of `seatStatuses`. */
  readonly #statuses: Uint8Array;
  readonly #versions: Float64Array;
  #version = 0;

  /**
   * Every seat starts AVAILABLE at version 0, as in a new event.
   *
   * @param size how many seats the event has
   */
  constructor(eventId: string, size: number) {
    this.#eventId = eventId;
    this.#statuses = new Uint8Array(size).fill(available);
    this.#versions = new Float64Array(size);
  }

  /** The sum of the seats' versions. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#versions.length;
  }

  /** @returns undefined for an id that is no seat of the event */
  indexOf(seatId: string): number | undefined {
    const index = seatIndexOf(seatId) - 1;
    return index >= 0 && index < this.size && this.#idAt(index) === seatId ? index : undefined;
  }

  /** @returns false when this version or a later one is known */
  apply(state: SeatState): boolean {
    if (state.version <= this.versionAt(state.index)) return false;
    this.overwrite(state);
    return true;
  }

  /** Also to a lower version: for a state that the database contradicts. */
  overwrite({ index, status, version }: SeatState): void {
    this.#version += version - this.#versions[index]!;
    this.#versions[index] = version;
    this.#statuses[index] = seatStatuses.indexOf(status);
  }

  /** A copy of all versions, by index. */
  versions(): Float64Array {
    return this.#versions.slice();
  }

  /** Infinity beyond the last seat, which no version exceeds. */
  versionAt(index: number): number {
    return this.#versions[index] ?? Infinity;
  }

  statusAt(index: number): SeatStatus | undefined {
    return seatStatuses[this.#statuses[index] ?? -1];
  }

  /** The seats at these indexes with their present status. */
  seatsAt(indexes: Iterable<number>): { id: string; status: SeatStatus }[] {
    return Array.from(indexes, (index) => ({ id: this.#idAt(index), status: this.statusAt(index)! }));
  }

  notAvailable(): { id: string; status: SeatStatus }[] {
    const indexes: number[] = [];
    for (let index = 0; index < this.size; index++)
      if (this.#statuses[index] !== available) indexes.push(index);
    return this.seatsAt(indexes);
  }

  #idAt(index: number): string {
    return seatIdOf(this.#eventId, index + 1);
  }
}

/** @returns 0 when there is no such event */
export async function readSeatCount(reads: Reads, eventId: string): Promise<number> {
  const [row] = await reads.rows<{ seats: number }>(countSeatsOfEventStatement, [eventId]);
  return row?.seats ?? 0;
}

/** Where the database and the known states differ. */
export interface StateDifferences {
  /** The database has a higher version. */
  readonly newer: readonly SeatState[];
  /** Known before the database was read, and the database has another state of the same or a lower version: never committed. */
  readonly contradicted: readonly SeatState[];
}

/**
 * Compares the known states with the database, seat by seat in the order of the ids.
 *
 * @returns null when the event no longer has these seats
 */
export async function compareStates(
  reads: Reads,
  eventId: string,
  known: SeatStates,
): Promise<StateDifferences | null> {
  const knownBefore = known.versions();
  const [row] = await reads.rows<{ states: string }>(readStatesStatement, [eventId]);
  const states = row?.states ?? '';
  const newer: SeatState[] = [];
  const contradicted: SeatState[] = [];
  let index = 0;
  let version = 0;
  for (let at = 0; at < states.length; at++) {
    const letter = states.charCodeAt(at);
    const status = seatStatuses[letters.indexOf(letter)];
    if (status === undefined) {
      version = version * 10 + letter - 48;
      continue;
    }
    // Most seats are as known and cost nothing beyond this line.
    if (version !== known.versionAt(index) || status !== known.statusAt(index)) {
      if (version > known.versionAt(index)) newer.push({ index, status, version });
      else if (known.versionAt(index) === knownBefore[index]) contradicted.push({ index, status, version });
    }
    index += 1;
    version = 0;
  }
  return index === known.size ? { newer, contradicted } : null;
}
