import { eq } from 'drizzle-orm';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { currencyDigits } from '../currencies.ts';
import { SeatCoreError } from '../errors.ts';
import {
  toIdempotencyKey,
  type IdempotencyKey,
  type IdempotentRequests,
  type Repeatable,
} from '../idempotency/idempotency.ts';
import { insertEventKeyStatement } from '../idempotency/idempotency.sql.ts';
import type { Connections } from '../postgres/connections.ts';
import { events } from '../postgres/schema.ts';
import { runStatement } from '../postgres/statement.ts';
import type { EventSection, Money, TicketedEvent } from '../types.ts';
import { InputCheck } from '../validation.ts';
import { insertEventStatement, insertSeatsStatement, limitStatementsStatement } from './events.sql.ts';

export interface CreateEventInput {
  /** 1–200 characters, without control characters or outer white space. */
  readonly name: string;
  /** As the name. */
  readonly venue: string;
  readonly startsAt: Date;
  /** In the order in which maps show them; all prices in one currency. */
  readonly sections: readonly NewSection[];
  /** The user or the service that creates the event: idempotency keys of two actors never meet. */
  readonly actor?: string;
  /** 1–255 visible ASCII characters: sent again by the same actor, it has no second effect. */
  readonly idempotencyKey?: string;
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

export interface CreateEventDependencies {
  readonly connections: Connections;
  readonly idempotency: IdempotentRequests;
}

/** @see SeatCore.createEvent */
export async function createEvent(
  { connections, idempotency }: CreateEventDependencies,
  input: CreateEventInput,
): Promise<Repeatable<TicketedEvent>> {
  checkInput(input);
  const key = toIdempotencyKey(input.idempotencyKey, {
    caller: input.actor ?? '',
    verb: 'createEvent',
    request: toFixedOrder(input),
  });
  return idempotency.run(
    key,
    () => insertEvent(connections, input, key),
    (effect) => repeatEvent(connections, effect.event_id),
  );
}

/** All that is asked for, as lists: the order of a caller's object members must not count. */
function toFixedOrder({ name, venue, startsAt, sections }: CreateEventInput): unknown {
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
  ];
}

async function insertEvent(
  connections: Connections,
  input: CreateEventInput,
  key: IdempotencyKey | null,
): Promise<TicketedEvent> {
  const event = {
    id: uuidv7(),
    name: input.name,
    venue: input.venue,
    startsAt: input.startsAt,
    sections: input.sections.map(toSummary),
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
    const { id, name, venue, startsAt, sections, createdAt } = event;
    const values = [id, name, venue, startsAt, JSON.stringify(sections), createdAt];
    await runStatement(client, { statement: insertEventStatement, values });
    for (const slice of slices(input.sections)) await insertSeats(client, id, slice);
    await client.query('commit');
  };
  await connections.lend(
    async (client) => {
      try {
        await insert(client);
      } catch (error) {
        // The connection is lent again, so no transaction may stay open on it. A lost connection ends its own.
        await client.query('rollback').catch(() => undefined);
        throw error;
      }
    },
    { commits: true, limitMs: timeoutMs },
  );
  return asCreated(event);
}

/** The answer that the creation of the event got. */
async function repeatEvent(connections: Connections, eventId: string): Promise<TicketedEvent> {
  const [event] = await connections.read((database) =>
    database.select().from(events).where(eq(events.id, eventId)),
  );
  if (event === undefined) throw new SeatCoreError('EVENT_NOT_FOUND', `no event ${eventId}`);
  return asCreated(event);
}

function asCreated(event: Omit<TicketedEvent, 'seatCounts'>): TicketedEvent {
  const available = event.sections.reduce((sum, section) => sum + section.seats, 0);
  return { ...event, seatCounts: { available, reserved: 0, sold: 0 } };
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

async function insertSeats(client: pg.PoolClient, eventId: string, slice: readonly NewSeat[]): Promise<void> {
  const values = [
    eventId,
    slice.map(() => uuidv7()),
    slice.map((seat) => seat.section),
    slice.map((seat) => seat.row),
    slice.map((seat) => seat.number),
    slice.map((seat) => seat.price.amount),
    slice.map((seat) => seat.price.currency),
  ];
  await runStatement(client, { statement: insertSeatsStatement, values }, timeoutMs);
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
    check.error('/startsAt', 'must be a date and time with its offset from UTC');
  if (input.sections.length === 0) check.error('/sections', 'must name at least one section');
  const sectionNames = new Set<string>();
  let seats = 0;
  for (const [index, section] of input.sections.entries()) {
    const pointer = `/sections/${index}`;
    check.label(`${pointer}/name`, section.name, 100);
    if (sectionNames.has(section.name))
      check.error(`${pointer}/name`, 'names a section that is named already');
    sectionNames.add(section.name);
    check.integer(`${pointer}/price/amount`, section.price.amount, 0, maxPriceAmount);
    if (!currencyDigits.has(section.price.currency)) {
      check.error(
        `${pointer}/price/currency`,
        'must be the ISO 4217 code of money in use, not of a metal, fund or test',
      );
    }
    if (section.price.currency !== input.sections[0]?.price.currency) {
      check.error(`${pointer}/price/currency`, 'must be the currency of the other sections');
    }
    seats += checkRows(check, pointer, section.rows);
  }
  if (seats > maxSeatsPerEvent)
    check.error('/sections', `must have ${maxSeatsPerEvent} seats at most, has ${seats}`);
  check.throwIfAny();
}

function checkRows(check: InputCheck, section: string, rows: readonly NewRow[]): number {
  if (rows.length === 0) check.error(`${section}/rows`, 'must name at least one row');
  const rowNames = new Set<string>();
  let seats = 0;
  for (const [index, row] of rows.entries()) {
    const pointer = `${section}/rows/${index}`;
    check.label(`${pointer}/name`, row.name, 20);
    if (rowNames.has(row.name)) check.error(`${pointer}/name`, 'names a row that is named already');
    rowNames.add(row.name);
    seats += check.integer(`${pointer}/seats`, row.seats, 1, maxSeatsPerEvent);
  }
  return seats;
}
