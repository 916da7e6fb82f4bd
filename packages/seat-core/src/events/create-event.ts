import { v7 as uuidv7 } from 'uuid';
import type pg from 'pg';
import type { Context } from '../options.ts';
import { eq } from 'drizzle-orm';
import { SeatCoreError } from '../errors.ts';
import {
  onceByKey,
  toIdempotencyKey,
  type IdempotencyInput,
  type IdempotencyKey,
  type Replayable,
} from '../idempotency/idempotency.ts';
import { events } from '../postgres/schema.ts';
import { InputCheck } from '../validation.ts';
import type { EventSection, Money, TicketedEvent } from '../types.ts';

export interface CreateEventInput {
  /** Names are 1–200 characters, without control characters or outer white space. */
  readonly name: string;
  readonly venue: string;
  readonly startsAt: Date;
  /** In the order in which maps show them; all prices in one currency. */
  readonly sections: readonly NewSection[];
  readonly idempotency?: IdempotencyInput;
}

export interface NewSection {
  /** Unique within the event. */
  readonly name: string;
  readonly price: Money;
  readonly rows: readonly NewRow[];
}

export interface NewRow {
  /** Unique within the section. */
  readonly name: string;
  /** How many seats the row has; they are numbered from 1. */
  readonly seats: number;
}

export const maxSeatsPerEvent = 100_000;
const maxPriceAmount = 1_000_000_000_000;
const seatsPerSlice = 5_000;
/** The budget of the whole request, as one statement of it may use it. */
const timeoutMs = 30_000;

/** Makes an event and all of its seats, or nothing. */
export async function createEvent(
  context: Context,
  input: CreateEventInput,
): Promise<Replayable<TicketedEvent>> {
  checkInput(input);
  const key = toIdempotencyKey(input.idempotency);
  return onceByKey(
    context,
    key,
    () => insertEvent(context, input, key),
    (effect) => replayEvent(context, effect.event_id),
  );
}

async function insertEvent(
  { connections }: Context,
  input: CreateEventInput,
  key: IdempotencyKey | null,
): Promise<TicketedEvent> {
  const sections = input.sections.map(toSummary);
  const event = {
    id: uuidv7(),
    name: input.name,
    venue: input.venue,
    startsAt: input.startsAt,
    sections,
    createdAt: new Date(),
  };
  const insert = async (client: pg.PoolClient) => {
    await client.query('begin');
    await client.query(`set local statement_timeout = ${timeoutMs}`);
    // First, so that a twin finds out before it has made a hall.
    if (key !== null) await rememberEvent(client, key, event);
    await client.query(
      `insert into events (id, name, venue, starts_at, sections, created_at) values ($1, $2, $3, $4, $5, $6)`,
      [event.id, event.name, event.venue, event.startsAt, JSON.stringify(sections), event.createdAt],
    );
    for (const slice of slices(input.sections)) await insertSeats(client, event.id, slice);
    await client.query('commit');
  };
  await connections.lend(
    async (client) => {
      try {
        await insert(client);
      } catch (error) {
        // The connection is lent again, so nothing may stay open on it; one that is gone took it along.
        await client.query('rollback').catch(() => undefined);
        throw error;
      }
    },
    { commits: true, limitMs: timeoutMs },
  );
  return asMade(event);
}

/** As the making of the event was answered. */
async function replayEvent({ database, connections }: Context, eventId: string): Promise<TicketedEvent> {
  const [event] = await connections.read(() => database.select().from(events).where(eq(events.id, eventId)));
  if (event === undefined) throw new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
  return asMade(event);
}

function asMade(event: Omit<TicketedEvent, 'seatCounts'>): TicketedEvent {
  const available = event.sections.reduce((sum, section) => sum + section.seats, 0);
  return { ...event, seatCounts: { available, reserved: 0, sold: 0 } };
}

async function rememberEvent(
  client: pg.PoolClient,
  key: IdempotencyKey,
  event: { readonly id: string; readonly createdAt: Date },
): Promise<void> {
  await client.query(
    'insert into idempotency_keys (id, fingerprint, event_id, created_at) values ($1, $2, $3, $4)',
    [key.id, key.fingerprint, event.id, event.createdAt],
  );
}

interface NewSeat {
  readonly section: string;
  readonly row: string;
  readonly number: number;
  readonly price: Money;
}

/** The hall in the organizer's order, a bounded number of seats at a time. */
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

async function insertSeats(client: pg.PoolClient, eventId: string, slice: readonly NewSeat[]): Promise<void> {
  const statement = {
    text: `insert into seats (event_id, id, section, "row", number, price_amount, currency)
      select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::text[])`,
    values: [
      eventId,
      slice.map(() => uuidv7()),
      slice.map((seat) => seat.section),
      slice.map((seat) => seat.row),
      slice.map((seat) => seat.number),
      slice.map((seat) => seat.price.amount),
      slice.map((seat) => seat.price.currency),
    ],
    query_timeout: timeoutMs,
  };
  await client.query(statement);
}

function toSummary({ name, price, rows }: NewSection): EventSection {
  return {
    name,
    price: { amount: price.amount, currency: price.currency },
    rows: rows.length,
    seats: rows.reduce((sum, row) => sum + row.seats, 0),
  };
}

function checkInput(input: CreateEventInput): void {
  const check = new InputCheck();
  check.label('/name', input.name, 200);
  check.label('/venue', input.venue, 200);
  if (Number.isNaN(input.startsAt.getTime()))
    check.fault('/startsAt', 'must be a date and time with its offset from UTC');
  if (input.sections.length === 0) check.fault('/sections', 'must name at least one section');
  const sectionNames = new Set<string>();
  let seats = 0;
  for (const [index, section] of input.sections.entries()) {
    const pointer = `/sections/${index}`;
    check.label(`${pointer}/name`, section.name, 100);
    if (sectionNames.has(section.name))
      check.fault(`${pointer}/name`, 'names a section that is named already');
    sectionNames.add(section.name);
    check.integer(`${pointer}/price/amount`, section.price.amount, 0, maxPriceAmount);
    if (!/^[A-Z]{3}$/.test(section.price.currency)) {
      check.fault(`${pointer}/price/currency`, 'must be an ISO 4217 code of three capital letters');
    }
    if (section.price.currency !== input.sections[0]?.price.currency) {
      check.fault(`${pointer}/price/currency`, 'must be the currency of the other sections');
    }
    seats += checkRows(check, pointer, section.rows);
  }
  if (seats > maxSeatsPerEvent)
    check.fault('/sections', `must have ${maxSeatsPerEvent} seats at most, has ${seats}`);
  check.throwIfAny();
}

function checkRows(check: InputCheck, section: string, rows: readonly NewRow[]): number {
  if (rows.length === 0) check.fault(`${section}/rows`, 'must name at least one row');
  const rowNames = new Set<string>();
  let seats = 0;
  for (const [index, row] of rows.entries()) {
    const pointer = `${section}/rows/${index}`;
    check.label(`${pointer}/name`, row.name, 20);
    if (rowNames.has(row.name)) check.fault(`${pointer}/name`, 'names a row that is named already');
    rowNames.add(row.name);
    seats += check.integer(`${pointer}/seats`, row.seats, 1, maxSeatsPerEvent);
  }
  return seats;
}
