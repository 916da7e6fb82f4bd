import { eq } from 'drizzle-orm';
import type pg from 'pg';
import { SeatCoreError } from '../errors.ts';
import { bucketOfHash, seatIdOf } from '../ids.ts';
import {
  toIdempotencyKey,
  type IdempotencyKey,
  type IdempotentRequests,
  type Repeatable,
} from '../idempotency/idempotency.ts';
import { insertEventKeyStatement } from '../idempotency/idempotency.sql.ts';
import type { Connections } from '../postgres/connections.ts';
import { isViolationOf } from '../postgres/error-mapping.ts';
import type { Lanes } from '../postgres/lanes.ts';
import { events } from '../postgres/schema.ts';
import { runStatement } from '../postgres/statement.ts';
import { insertFreeBlocksStatement } from '../states/seat-counts.sql.ts';
import type { EventSection, Money, TicketedEvent } from '../types.ts';
import {
  checkEvent,
  countSeats,
  type CreateEventInput,
  type NewEvent,
  type NewSection,
} from './check-event.ts';
import { toEventView, type EventRow } from './event-row.ts';
import { insertEventStatement, insertSeatsStatement, limitStatementsStatement } from './events.sql.ts';

const seatsPerSlice = 5_000;
/** The budget of the whole request, as one statement of it may use it. */
const timeoutMs = 30_000;

export interface CreateEventDependencies {
  readonly lanes: Pick<Lanes, 'creating' | 'reads'>;
  readonly idempotency: IdempotentRequests;
  /** `newEventId`; tests have another. */
  readonly drawId: (bucket?: number) => string;
}

/** @see SeatCore.createEvent */
export async function createEvent(
  { lanes, idempotency, drawId }: CreateEventDependencies,
  input: CreateEventInput,
): Promise<Repeatable<TicketedEvent>> {
  const { actor, ...event } = checkEvent(input);
  const key = toIdempotencyKey(input.idempotencyKey, {
    caller: actor,
    verb: 'createEvent',
    request: toFixedOrder(event),
  });
  return idempotency.run(
    key,
    // A retry meets its first try in the same bucket.
    () =>
      insertEvent(lanes.creating, event, key, () => drawId(key === null ? undefined : bucketOfHash(key.id))),
    (effect) => repeatEvent(lanes.reads, effect.event_id),
  );
}

/** All that is asked for, as lists: the order of a caller's object members must not count. */
function toFixedOrder({ name, venue, startsAt, salesOpenAt, salesCloseAt, sections }: NewEvent): unknown {
  const hasWindow = salesOpenAt !== null || salesCloseAt !== null;
  return [
    name,
    venue,
    startsAt.toISOString(),
    sections.map((section) => [
      section.name,
      section.price.amount,
      section.price.currency,
      section.rows.map((row) => [row.name, row.seats]),
    ]),
    // Not without a window: a key from before there were windows keeps its fingerprint.
    ...(hasWindow ? [[salesOpenAt, salesCloseAt]] : []),
  ];
}

/** Draws another id where two events of one millisecond drew the same. */
async function insertEvent(
  creating: Connections,
  input: NewEvent,
  key: IdempotencyKey | null,
  drawId: () => string,
): Promise<TicketedEvent> {
  for (;;) {
    try {
      return await insertEventAs(drawId(), creating, input, key);
    } catch (error) {
      if (!isViolationOf(error, 'events_pkey')) throw error;
    }
  }
}

async function insertEventAs(
  id: string,
  creating: Connections,
  input: NewEvent,
  key: IdempotencyKey | null,
): Promise<TicketedEvent> {
  const event: EventRow = {
    ...input,
    id,
    sections: input.sections.map(toSummary),
    sectionCount: input.sections.length,
    createdAt: new Date(),
  };
  const insert = async (client: pg.PoolClient) => {
    await client.query('begin');
    await runStatement(client, { statement: limitStatementsStatement, values: [String(timeoutMs)] });
    if (key !== null) {
      // First, so that a duplicate is found before its seats are inserted.
      const values = [key.id, key.fingerprint, event.id, event.createdAt];
      await runStatement(client, { statement: insertEventKeyStatement, values });
    }
    const { name, venue, startsAt, salesOpenAt, salesCloseAt, sections, createdAt } = event;
    const values = [
      id,
      name,
      venue,
      startsAt,
      salesOpenAt,
      salesCloseAt,
      JSON.stringify(sections),
      createdAt,
      sections.length,
    ];
    await runStatement(client, { statement: insertEventStatement, values });
    let inserted = 0;
    for (const slice of slices(input.sections)) {
      const ids = slice.map((_, index) => seatIdOf(id, inserted + index + 1));
      await insertSeats(client, id, slice, ids);
      inserted += slice.length;
    }
    await client.query('commit');
  };
  await creating.lend(
    async (client) => {
      try {
        await insert(client);
      } catch (error) {
        // The connection is lent again, so no transaction may stay open on it. A lost connection ends its own.
        await client.query('rollback').catch(() => undefined);
        throw error;
      }
    },
    { commits: true, budgetMs: timeoutMs },
  );
  return asCreated(event);
}

/** The answer that the creation of the event got. */
async function repeatEvent(reads: Connections, eventId: string): Promise<TicketedEvent> {
  const [event] = await reads.read((database) =>
    database.select().from(events).where(eq(events.id, eventId)),
  );
  if (event === undefined) throw new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
  return asCreated(event);
}

function asCreated(event: EventRow): TicketedEvent {
  const available = event.sections.reduce((sum, section) => sum + section.seats, 0);
  return toEventView(event, { available, reserved: 0, sold: 0 });
}

interface NewSeat {
  readonly section: string;
  readonly row: string;
  readonly number: number;
  readonly price: Money;
}

/** The seats in the organizer's order, a bounded number at a time. */
function* slices(sections: readonly NewSection[]): Generator<NewSeat[]> {
  let slice: NewSeat[] = [];
  for (const section of sections) {
    for (const row of section.rows) {
      for (let number = 1; number <= row.seats; number++) {
        slice.push({ section: section.name, row: row.name, number, price: section.price });
        if (slice.length === seatsPerSlice) {
          yield slice;
          slice = [];
        }
      }
    }
  }
  if (slice.length > 0) yield slice;
}

async function insertSeats(
  client: pg.PoolClient,
  eventId: string,
  slice: readonly NewSeat[],
  ids: readonly string[],
): Promise<void> {
  const values = [
    eventId,
    ids,
    slice.map((seat) => seat.section),
    slice.map((seat) => seat.row),
    slice.map((seat) => seat.number),
    slice.map((seat) => seat.price.amount),
    slice.map((seat) => seat.price.currency),
  ];
  await runStatement(client, { statement: insertSeatsStatement, values }, timeoutMs);
  await runStatement(client, { statement: insertFreeBlocksStatement, values: [eventId, ids] });
}

function toSummary({ name, price, rows }: NewSection): EventSection {
  return {
    name,
    price: { amount: price.amount, currency: price.currency },
    rows: rows.length,
    seats: countSeats(rows),
  };
}
