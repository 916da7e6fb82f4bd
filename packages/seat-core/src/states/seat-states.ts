import type { Context } from '../options.ts';
import { readRowsAnywhere } from '../postgres/replica.ts';
import type { NamedStatement } from '../postgres/statement.ts';
import { seatStatuses, type SeatStatus } from '../types.ts';

/** A seat that changed, by its place in the hall. */
export interface StateChange {
  readonly index: number;
  readonly status: SeatStatus;
  readonly version: number;
}

const lettersOfId = 36;
const statusByLetter = new Map(seatStatuses.map((status) => [status.charCodeAt(0), status]));

/**
 * The status and version of each seat of an event, as far as this process knows them. News may come in any order
 * and any number of times: by news a seat only ever moves to a higher version.
 */
export class HallStates {
  readonly #ids: readonly string[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #statuses: SeatStatus[];
  readonly #versions: Float64Array;
  #version = 0;

  /** Every seat AVAILABLE and unchanged, as an event is made. */
  constructor(ids: readonly string[]) {
    this.#ids = ids;
    this.#indexes = new Map(ids.map((id, index) => [id, index]));
    this.#statuses = ids.map(() => 'AVAILABLE');
    this.#versions = new Float64Array(ids.length);
  }

  /** The sum of the seats' versions. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#ids.length;
  }

  indexOf(seatId: string): number | undefined {
    return this.#indexes.get(seatId);
  }

  /** @returns whether it was news */
  apply(change: StateChange): boolean {
    if (change.version <= this.versionAt(change.index)) return false;
    this.set(change);
    return true;
  }

  /** Also to a lower version: for what was never so. */
  set({ index, status, version }: StateChange): void {
    this.#version += version - this.#versions[index]!;
    this.#versions[index] = version;
    this.#statuses[index] = status;
  }

  /** A copy, by the places of the seats. */
  versions(): Float64Array {
    return this.#versions.slice();
  }

  /** Infinity where there is no seat, so that nothing is news there. */
  versionAt(index: number): number {
    return this.#versions[index] ?? Infinity;
  }

  statusAt(index: number): SeatStatus | undefined {
    return this.#statuses[index];
  }

  /** The seats at these places, as they are now. */
  seatsAt(indexes: Iterable<number>): { id: string; status: SeatStatus }[] {
    return Array.from(indexes, (index) => ({ id: this.#ids[index]!, status: this.#statuses[index]! }));
  }

  notAvailable(): { id: string; status: SeatStatus }[] {
    const indexes = [...this.#statuses.keys()].filter((index) => this.#statuses[index] !== 'AVAILABLE');
    return this.seatsAt(indexes);
  }
}

/** The ids of an event's seats in their own order. */
export async function readSeatIds(context: Context, eventId: string): Promise<string[]> {
  const [row] = await readRowsAnywhere<{ ids: string }>(context, seatIdsStatement, [eventId]);
  const ids = row?.ids ?? '';
  return Array.from({ length: ids.length / lettersOfId }, (_, index) =>
    ids.slice(index * lettersOfId, (index + 1) * lettersOfId),
  );
}

/** What the table says and the process does not know. */
export interface StateDifferences {
  readonly newer: readonly StateChange[];
  /** Of what was known before the table was read it must have had all: it has not, so it was never committed. */
  readonly disproved: readonly StateChange[];
}

/**
 * Compares what is known with what the table says about each seat of an event, in the order of the ids.
 *
 * @returns null when the event has no longer these seats
 */
export async function compareStates(
  context: Context,
  eventId: string,
  known: HallStates,
): Promise<StateDifferences | null> {
  const knownBefore = known.versions();
  const [row] = await readRowsAnywhere<{ states: string }>(context, statesStatement, [eventId]);
  const states = row?.states ?? '';
  const newer: StateChange[] = [];
  const disproved: StateChange[] = [];
  let index = 0;
  let version = 0;
  for (let at = 0; at < states.length; at++) {
    const letter = states.charCodeAt(at);
    const status = statusByLetter.get(letter);
    if (status === undefined) {
      version = version * 10 + letter - 48;
      continue;
    }
    // Most are as they are known to be, and cost nothing beyond this.
    if (version !== known.versionAt(index) || status !== known.statusAt(index)) {
      if (version > known.versionAt(index)) newer.push({ index, status, version });
      else if (known.versionAt(index) === knownBefore[index]) disproved.push({ index, status, version });
    }
    index += 1;
    version = 0;
  }
  return index === known.size ? { newer, disproved } : null;
}

const seatIdsStatement: NamedStatement = {
  name: 'read-seat-ids',
  text: `select coalesce(string_agg(id::text, '' order by id), '') as ids from seats where event_id = $1`,
};

/** One text, `0A3R7S…`, instead of a row for each seat. */
const statesStatement: NamedStatement = {
  name: 'read-states',
  text: `
select coalesce(string_agg(version || left(status, 1), '' order by id), '') as states
from seats
where event_id = $1`,
};
