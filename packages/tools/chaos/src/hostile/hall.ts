import { makeEvent } from '@ticketing/testkit';
import type pg from 'pg';
import { withDatabase } from '../cluster/stores.ts';
import { largestEvent } from './largest-event.ts';

/** The events of a run, all of one size. */
export interface Hall {
  /** The event that buyers buy from. */
  readonly onSale: { readonly eventId: string; readonly seatIds: readonly string[] };
  /** All of them, the one on sale first, the sold-out ones last. */
  readonly eventIds: readonly string[];
}

export interface HallSize {
  readonly events: number;
  /** How many of the events have no free seat. */
  readonly soldOut: number;
  /** Seats of each event, at most 100,000. */
  readonly seats: number;
}

/** Makes one event through the API, and the others as copies of its rows: a second each instead of ten. */
export async function makeHall(databaseUrl: string, apiUrl: string, size: HallSize): Promise<Hall> {
  const onSale = await makeEvent({ url: apiUrl }, largestEvent(size.seats));
  const eventIds = [onSale.eventId];
  await withDatabase(databaseUrl, async (client) => {
    // Sold seats are written as such: triggers would allow it only step by step.
    await client.query(`set session_replication_role = replica`);
    await client.query(`set synchronous_commit = off`);
    for (let number = 1; number < size.events; number += 1) {
      const isSoldOut = number >= size.events - size.soldOut;
      eventIds.push(await copyEvent(client, onSale.eventId, number, isSoldOut));
    }
    await client.query('vacuum analyze');
  });
  return { onSale, eventIds };
}

/** The digits in front of the seat's index are random: with the number of the copy in their place it is another event's. */
const copyOf = (id: string): string => `overlay(${id}::text placing $2::text from 25)::uuid`;

const copyEventRow = `
insert into events
select (jsonb_populate_record(event, jsonb_build_object('id', ${copyOf('event.id')}))).*
from events event where event.id = $1
returning id`;

const copySeats = `
insert into seats
select ${copyOf('event_id')}, ${copyOf('id')}, section, "row", number, price_amount, currency, $3, $4
from seats where event_id = $1
order by id`;

/** One booking per seat of the event, $1, held and confirmed. A booking has the id of its seat. */
const sellSeats = `
with sold as (select * from seats where event_id = $1),
new_bookings as (
  insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at, confirmed_at)
  select id, event_id, 'early', 'CONFIRMED', 1, price_amount, currency, now(), now() + interval '2 minutes', now() from sold
),
new_lines as (
  insert into booking_seats (event_id, booking_id, seat_id, price_amount, live)
  select event_id, id, id, price_amount, true from sold
)
insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, at,
                            seat_ids, seat_versions, user_id, prices, currency, expires_at)
select event_id, id, null, 'PENDING', 'hold', 'early', now(),
       array[id], array[1], 'early', array[price_amount], currency, now() + interval '2 minutes' from sold
union all
select event_id, id, 'PENDING', 'CONFIRMED', 'confirm', 'early', now(), array[id], array[2], null, null, null, null from sold`;

async function copyEvent(
  client: pg.Client,
  eventId: string,
  number: number,
  isSoldOut: boolean,
): Promise<string> {
  const digits = number.toString(16).padStart(4, '0');
  const { rows } = await client.query<{ id: string }>(copyEventRow, [eventId, digits]);
  const { id } = rows[0]!;
  await client.query(copySeats, [eventId, digits, ...(isSoldOut ? ['SOLD', 2] : ['AVAILABLE', 0])]);
  if (isSoldOut) await client.query(sellSeats, [id]);
  return id;
}
