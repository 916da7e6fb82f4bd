import { isNotNull, sql, type SQL } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
  uuid,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core';
import { readTimestamp } from '../instants.ts';
import { bookingStatuses, seatStatuses, type EventSection } from '../types.ts';

/*
 * The tables of the engine. Drizzle cannot express fill factors, the triggers that refuse illegal status edges, and the
 * append-only rule: these stand in the hand-written migration beside the generated one.
 *
 * `event_id` is a column of every row and part of every unique key, so that the tables can later be
 * distributed by event. A seat's id carries its event's (`ids.ts`); a trigger refuses another one. There are no foreign keys:
 * those to `events` would share-lock one hot row, and those of order lines cost a tenth of a booking. Triggers refuse the
 * deletes that they refused.
 */

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const timestampOf = customType<{ data: Date; driverData: string }>({
  dataType: () => 'timestamp (3) with time zone',
  toDriver: (date) => date.toISOString(),
  fromDriver: readTimestamp,
});
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });
const at = (name: string) => timestampOf(name);
const oneOf = (column: AnyPgColumn, values: readonly string[]): SQL =>
  sql`${column} in (${sql.raw(values.map((value) => `'${value}'`).join(', '))})`;

const nilUuid = '00000000-0000-0000-0000-000000000000';
const transitionCauses = ['hold', 'confirm', 'release', 'job', 'sweep', 'reclaim'] as const;

export const events = pgTable(
  'events',
  {
    id: uuid().notNull(),
    name: text().notNull(),
    venue: text().notNull(),
    startsAt: at('starts_at').notNull(),
    /** Holds are refused before; null: never. */
    salesOpenAt: at('sales_open_at'),
    /** Holds are refused from then on; null: from the start of the event. */
    salesCloseAt: at('sales_close_at'),
    /** A summary of the event's seats, fixed when the event is created. */
    sections: jsonb().$type<readonly EventSection[]>().notNull(),
    /** Null for an event of a build before there was this column. */
    sectionCount: integer('section_count'),
    createdAt: at('created_at').notNull(),
  },
  (event) => [
    primaryKey({ name: 'events_pkey', columns: [event.id] }),
    index('events_starts_at_idx').on(event.startsAt, event.id),
  ],
);

export const seats = pgTable(
  'seats',
  {
    eventId: uuid('event_id').notNull(),
    id: uuid().notNull(),
    section: text().notNull(),
    row: text().notNull(),
    /** From 1 within the row. */
    number: integer().notNull(),
    /** Minor units of `currency`. */
    priceAmount: bigint('price_amount', { mode: 'number' }).notNull(),
    currency: text().notNull(),
    status: text({ enum: seatStatuses }).notNull().default('AVAILABLE'),
    /** Rises with every transition of the seat: the fencing number. */
    version: bigint({ mode: 'number' }).notNull().default(0),
  },
  (seat) => [
    primaryKey({ name: 'seats_pkey', columns: [seat.eventId, seat.id] }),
    unique('seats_place_key').on(seat.eventId, seat.section, seat.row, seat.number),
    // No index on status: it would take every hold, sale and release off the HOT path.
    check('seats_status_check', oneOf(seat.status, seatStatuses)),
    check('seats_number_check', sql`${seat.number} >= 1`),
    check('seats_price_check', sql`${seat.priceAmount} >= 0`),
    check('seats_version_check', sql`${seat.version} >= 0`),
  ],
);

export const bookings = pgTable(
  'bookings',
  {
    id: uuid().notNull(),
    eventId: uuid('event_id').notNull(),
    userId: text('user_id').notNull(),
    status: text({ enum: bookingStatuses }).notNull(),
    seatCount: smallint('seat_count').notNull(),
    totalAmount: bigint('total_amount', { mode: 'number' }).notNull(),
    currency: text().notNull(),
    createdAt: at('created_at').notNull(),
    expiresAt: at('expires_at').notNull(),
    confirmedAt: at('confirmed_at'),
  },
  (booking) => [
    primaryKey({ name: 'bookings_pkey', columns: [booking.id, booking.eventId] }),
    index('bookings_overdue_idx')
      .on(booking.expiresAt)
      .where(sql`${booking.status} = 'PENDING'`),
    index('bookings_live_of_user_idx')
      .on(booking.eventId, booking.userId)
      .where(sql`${booking.status} in ('PENDING', 'CONFIRMED')`),
    check('bookings_status_check', oneOf(booking.status, bookingStatuses)),
    check('bookings_user_id_check', sql`char_length(${booking.userId}) between 1 and 128`),
    check('bookings_seat_count_check', sql`${booking.seatCount} >= 1`),
    check(
      'bookings_confirmed_at_check',
      sql`(${booking.status} = 'CONFIRMED') = (${isNotNull(booking.confirmedAt)})`,
    ),
  ],
);

export const bookingSeats = pgTable(
  'booking_seats',
  {
    eventId: uuid('event_id').notNull(),
    bookingId: uuid('booking_id').notNull(),
    seatId: uuid('seat_id').notNull(),
    /** The price at the moment of booking, in minor units of the booking's currency. */
    priceAmount: bigint('price_amount', { mode: 'number' }).notNull(),
    /** True while the booking is PENDING or CONFIRMED. */
    live: boolean().notNull(),
  },
  (line) => [
    primaryKey({ name: 'booking_seats_pkey', columns: [line.eventId, line.bookingId, line.seatId] }),
    // The promise itself: no two live bookings of one seat, whichever program writes the row.
    uniqueIndex('booking_seats_live_seat_key')
      .on(line.eventId, line.seatId)
      .where(sql`${line.live}`),
  ],
);

/**
 * The committed effect that an idempotency key stands for. The statement that has the effect also writes the key. Rows
 * are kept for a day at least.
 */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    /** SHA-256 over caller, verb and key. */
    id: bytea().notNull(),
    /** SHA-256 over the request. */
    fingerprint: bytea().notNull(),
    eventId: uuid('event_id').notNull(),
    /** Null for the key of an event. */
    bookingId: uuid('booking_id'),
    createdAt: at('created_at').notNull(),
  },
  (key) => [
    primaryKey({ name: 'idempotency_keys_pkey', columns: [key.id] }),
    // Rows are inserted in order of time: a summary per page range finds the old ones and costs writers nothing.
    index('idempotency_keys_created_at_idx').using('brin', key.createdAt),
    check('idempotency_keys_id_check', sql`octet_length(${key.id}) = 32`),
    check('idempotency_keys_fingerprint_check', sql`octet_length(${key.fingerprint}) = 32`),
  ],
);

/**
 * How many seats of a block have which status: 500 seats of an event, in the order of their ids. No transition writes
 * it. Rounds of counting do, from what `booking_events` says has changed.
 */
export const seatBlocks = pgTable(
  'seat_blocks',
  {
    eventId: uuid('event_id').notNull(),
    firstSeatId: uuid('first_seat_id').notNull(),
    lastSeatId: uuid('last_seat_id').notNull(),
    available: integer().notNull(),
    reserved: integer().notNull(),
    sold: integer().notNull(),
  },
  (block) => [
    primaryKey({ name: 'seat_blocks_pkey', columns: [block.eventId, block.firstSeatId] }),
    // A sold-out event costs one look-up.
    index('seat_blocks_free_idx')
      .on(block.eventId)
      .where(sql`${block.available} > 0`),
  ],
);

/** How far the counts are: one row, which also lets one round run at a time. */
export const seatCounting = pgTable(
  'seat_counting',
  {
    id: smallint().notNull().default(1),
    /** The counts are those of this moment. */
    at: at('at')
      .notNull()
      .default(sql`now()`),
    /** No record of an earlier moment will be committed any more. */
    countedUntil: at('counted_until')
      .notNull()
      .default(sql`now() - interval '3 seconds'`),
    /** Every transaction before this one was over when the last round read; null: ask all records. */
    seenBefore: xid8('seen_before'),
    /** The block that was recounted last, whatever the records say. */
    walkedEventId: uuid('walked_event_id').notNull().default(nilUuid),
    walkedSeatId: uuid('walked_seat_id').notNull().default(nilUuid),
  },
  (counting) => [
    primaryKey({ name: 'seat_counting_pkey', columns: [counting.id] }),
    check('seat_counting_id_check', sql`${counting.id} = 1`),
  ],
);

/** Append-only: one row per booking and transition, enough to build `bookings` and `seats` again. */
export const bookingEvents = pgTable(
  'booking_events',
  {
    eventId: uuid('event_id').notNull(),
    bookingId: uuid('booking_id').notNull(),
    fromStatus: text('from_status', { enum: bookingStatuses }),
    toStatus: text('to_status', { enum: bookingStatuses }).notNull(),
    cause: text({ enum: transitionCauses }).notNull(),
    actor: text().notNull(),
    requestId: text('request_id'),
    at: at('at').notNull(),
    /** In ascending order; `seatVersions` and `prices` follow it. */
    seatIds: uuid('seat_ids').array().notNull(),
    /** `seats.version` of each seat after the transition. */
    seatVersions: bigint('seat_versions', { mode: 'number' }).array().notNull(),
    userId: text('user_id'),
    prices: bigint({ mode: 'number' }).array(),
    currency: text(),
    expiresAt: at('expires_at'),
  },
  (event) => [
    primaryKey({ name: 'booking_events_pkey', columns: [event.eventId, event.bookingId, event.toStatus] }),
    index('booking_events_at_idx').on(event.at),
    check(
      'booking_events_edge_check',
      sql`case when ${event.fromStatus} is null then ${event.toStatus} = 'PENDING'
        else ${event.fromStatus} = 'PENDING' and ${event.toStatus} in ('CONFIRMED', 'EXPIRED', 'CANCELLED') end`,
    ),
    check('booking_events_cause_check', oneOf(event.cause, transitionCauses)),
    check(
      'booking_events_seats_check',
      sql`cardinality(${event.seatIds}) = cardinality(${event.seatVersions})`,
    ),
    check(
      'booking_events_creation_check',
      sql`(${event.toStatus} = 'PENDING') = (${event.userId} is not null and ${event.prices} is not null
        and ${event.currency} is not null and ${event.expiresAt} is not null)`,
    ),
  ],
);
