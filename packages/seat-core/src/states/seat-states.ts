import type { Reads } from '../postgres/replica.ts';
import { seatStatuses, type SeatStatus } from '../types.ts';
import { readSeatIdsStatement, readStatesStatement } from './seat-states.sql.ts';

/** Status and version of one seat, by its index in the ascending order of the event's seat ids. */
export interface SeatState {
  readonly index: number;
  readonly status: SeatStatus;
  readonly version: number;
}

const idLength = 36;
const letters = seatStatuses.map((status) => status.charCodeAt(0));
const available = seatStatuses.indexOf('AVAILABLE');

/** Ids as one text, a byte for the status, eight for the version. */
export const bytesPerSeat = idLength + 1 + 8;

/**
 * Status and version of each seat of an event, as this process knows them. Changes may arrive in any order and any
 * number of times: `apply` moves a seat to a higher version only. (Measured: 45 bytes a seat, where a map from id to
 * index and an array of ids take 115.)
 */
export class SeatStates {
  readonly #ids: string;
  /** Indexes of `seatStatuses`. */
  readonly #statuses: Uint8Array;
  readonly #versions: Float64Array;
  #version = 0;

  /**
   * Every seat starts AVAILABLE at version 0, as in a new event.
   *
   * @param ids 36 letters each, in ascending order, from `readSeatIds`
   */
  constructor(ids: string) {
    const size = ids.length / idLength;
    this.#ids = ids;
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

  indexOf(seatId: string): number | undefined {
    let from = 0;
    let until = this.size;
    while (from < until) {
      const middle = (from + until) >>> 1;
      const id = this.#idAt(middle);
      if (id === seatId) return middle;
      if (id < seatId) from = middle + 1;
      else until = middle;
    }
    return undefined;
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
    return this.#ids.slice(index * idLength, (index + 1) * idLength);
  }
}

/** The seat ids of an event as one text, in ascending order, which is the order of the seats in the venue. */
export async function readSeatIds(reads: Reads, eventId: string): Promise<string> {
  const [row] = await reads.rows<{ ids: string }>(readSeatIdsStatement, [eventId]);
  return row?.ids ?? '';
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
