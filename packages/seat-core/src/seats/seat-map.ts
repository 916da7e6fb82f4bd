import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Context } from '../options.ts';
import { EncodedMap, type MapEncoding } from './encoded-map.ts';
import type { EventReader } from '../events/event-reader.ts';
import { InputCheck } from '../validation.ts';
import { readRowsAnywhere } from '../postgres/replica.ts';
import { toSeatView, type SeatRow } from '../records/seat-rows.ts';
import type { NamedStatement } from '../postgres/statement.ts';
import type { SeatStatus } from '../types.ts';

/** Every seat of an event as of one moment. */
export interface SeatMap {
  readonly eventId: string;
  /** The sum of the seats' versions: it rises with every change, and is the same for every process. */
  readonly version: number;
  readonly asOf: Date;
  /** `{ eventId, version, asOf, seats: Seat[] }`, the seats in the order of the hall. */
  readonly json: Buffer;
  /** The same, compressed: once per map, however many ask. */
  as(encoding: MapEncoding): Promise<Buffer>;
}

const lifetimeMs = 1_000;
/** After a build a process rests for four times as long as it took: a fifth of its time at most. */
const restsPerBuild = 4;
/** What all kept maps may hold together; a seat costs about half a kilobyte. */
const maxSeatsKept = 400_000;
const seatsPerSlice = 5_000;

/** What never changes of an event's seats, serialized once. */
interface HallPlan {
  /** Up to and including `"status":"`, one per seat, in the order of the ids. */
  readonly prefixes: readonly string[];
}

interface KeptMap {
  readonly plan: HallPlan;
  readonly map: SeatMap;
  /** When the next build may begin, in `performance.now()` terms. */
  staleAt: number;
}

/**
 * Builds an event's map at most once a second, whoever asks however often. Only the statuses are read again:
 * as one string of a letter per seat, which costs PostgreSQL and the wire a fraction of 100,000 rows.
 */
export class SeatMapReader {
  readonly #context: Context;
  readonly #events: EventReader;
  readonly #kept = new LRUCache<string, KeptMap>({
    maxSize: maxSeatsKept,
    sizeCalculation: ({ plan }) => Math.max(1, plan.prefixes.length),
  });
  readonly #building = new Map<string, Promise<SeatMap>>();

  constructor(context: Context, events: EventReader) {
    this.#context = context;
    this.#events = events;
  }

  /** @throws EVENT_NOT_FOUND, VALIDATION_FAILED */
  async get(input: { readonly eventId: string }): Promise<SeatMap> {
    const check = new InputCheck();
    const eventId = check.id('/eventId', input.eventId);
    check.throwIfAny();
    const kept = this.#kept.get(eventId);
    if (kept !== undefined && performance.now() < kept.staleAt) return kept.map;
    const underway = this.#building.get(eventId);
    if (underway !== undefined) return underway;
    const building = this.#build(eventId, kept?.plan).finally(() => this.#building.delete(eventId));
    this.#building.set(eventId, building);
    return building;
  }

  async #build(eventId: string, known: HallPlan | undefined): Promise<SeatMap> {
    const plan = known ?? (await this.#loadPlan(eventId));
    const startedAt = performance.now();
    const asOf = new Date();
    const [row] = await readRowsAnywhere<StatusesRow>(this.#context, readStatuses, [eventId]);
    if (row === undefined || row.statuses.length !== plan.prefixes.length) {
      throw new Error(`event ${eventId} has ${row?.statuses.length} seats, its plan ${plan.prefixes.length}`);
    }
    const version = Number(row.version);
    const json = await serialize({ eventId, version, asOf, statuses: row.statuses, plan });
    let tookMs = performance.now() - startedAt;
    const staleAt = () => startedAt + Math.max(lifetimeMs, tookMs * (1 + restsPerBuild));
    // Compressing is part of what a map costs, and the next one waits for as much longer.
    const encoded = new EncodedMap(json, (encodingMs) => {
      tookMs += encodingMs;
      kept.staleAt = staleAt();
    });
    const map: SeatMap = { eventId, version, asOf, json, as: (encoding) => encoded.as(encoding) };
    const kept: KeptMap = { plan, map, staleAt: staleAt() };
    this.#kept.set(eventId, kept);
    return map;
  }

  async #loadPlan(eventId: string): Promise<HallPlan> {
    await this.#events.require(eventId);
    const prefixes: string[] = [];
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const rows = await readRowsAnywhere<SeatRow>(this.#context, readPlanSlice, [
        eventId,
        after,
        seatsPerSlice,
      ]);
      for (const row of rows) prefixes.push(toPrefix(row));
      const last = rows.at(-1);
      if (last === undefined || rows.length < seatsPerSlice) return { prefixes };
      after = last.id;
    }
  }
}

const statusByLetter: Readonly<Record<string, SeatStatus>> = { A: 'AVAILABLE', R: 'RESERVED', S: 'SOLD' };

/** Writes the answer slice by slice, so that a large hall does not keep other requests waiting. */
async function serialize(content: {
  eventId: string;
  version: number;
  asOf: Date;
  statuses: string;
  plan: HallPlan;
}): Promise<Buffer> {
  const { eventId, version, asOf, statuses, plan } = content;
  const head = `{"eventId":${JSON.stringify(eventId)},"version":${version},"asOf":"${asOf.toISOString()}","seats":[`;
  const chunks = [Buffer.from(head)];
  for (let start = 0; start < statuses.length; start += seatsPerSlice) {
    if (start > 0) await nextTurn();
    let text = '';
    const end = Math.min(start + seatsPerSlice, statuses.length);
    for (let index = start; index < end; index++) {
      text += `${index === 0 ? '' : ','}${plan.prefixes[index]}${statusByLetter[statuses[index]!]}"}`;
    }
    chunks.push(Buffer.from(text));
  }
  chunks.push(Buffer.from(']}'));
  return Buffer.concat(chunks);
}

/** A seat's JSON up to its status, which is its last member. */
function toPrefix(row: SeatRow): string {
  const json = JSON.stringify(toSeatView(row.id, row, 'AVAILABLE'));
  return json.slice(0, -'AVAILABLE"}'.length);
}

/** Ids are UUIDs of version 7, given in the order in which the organizer wrote the hall. */
const readPlanSlice: NamedStatement = {
  name: 'read-plan-slice',
  text: `
select id, event_id, section, "row", number, price_amount, currency
from seats
where event_id = $1 and id > $2::uuid
order by id
limit $3`,
};

interface StatusesRow {
  readonly statuses: string;
  /** numeric arrives as text */
  readonly version: string;
}

const readStatuses: NamedStatement = {
  name: 'read-statuses',
  text: `
select coalesce(string_agg(case status when 'AVAILABLE' then 'A' when 'RESERVED' then 'R' else 'S' end, '' order by id), '')
         as statuses,
       coalesce(sum(version), 0) as version
from seats
where event_id = $1`,
};
