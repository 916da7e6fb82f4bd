import type { Statement } from '../postgres/statement.ts';
import { lateCommits } from '../states/seat-counts.sql.ts';

/* A list reads a bounded number of blocks that have free seats, and no block that has none. */

const maxSeats = 200;
/** So many blocks of 500 seats at most, also where each has a single free seat. */
const maxBlocks = 40;
/** So many at least: a crowd gets seats from all over the venue. */
const minBlocks = 16;
/** Transitions in three seconds of the greatest crowd. */
const maxRecords = 20_000;
const maxReleases = 500;

const seatColumns = (seat: string): string =>
  ['id', 'event_id', 'section', '"row"', 'number', 'price_amount', 'currency']
    .map((column) => `${seat}.${column}`)
    .join(', ');

/** Seats that were released since the seats were counted, for a list that is not full. */
const releasedSeats = (list: string, isListed: string): string => `
records as materialized (
  select event_id, to_status, seat_ids
  from booking_events
  where at > (select at - ${lateCommits} from seat_counting)
    and (select count(*) < ${maxSeats} from ${list})
  order by at desc
  limit ${maxRecords}
),
released as (
  select ${seatColumns('seat')}
  from (
    select event_id, seat_ids from records
    where to_status in ('CANCELLED', 'EXPIRED') and ${isListed}
    limit ${maxReleases}
  ) record
  cross join lateral unnest(record.seat_ids) as moved(seat_id)
  join seats seat on seat.event_id = record.event_id and seat.id = moved.seat_id
  where seat.status = 'AVAILABLE'
)`;

const list = (counted: string): string => `
select * from ${counted}
union
select * from released
limit ${maxSeats}`;

const isSold = (event: string): string =>
  `coalesce(${event}.sales_close_at, ${event}.starts_at) > clock_timestamp()`;

/** $1 event id. None when the sales of the event are closed: no seat can be held. */
export const availableOfEventStatement: Statement = {
  name: 'available-of-event',
  text: `
with on_sale as materialized (
  select id from events where id = $1 and ${isSold('events')}
),
blocks as materialized (
  select first_seat_id, last_seat_id, available, random() as lot
  from seat_blocks
  where event_id = (select id from on_sale) and available > 0
  order by lot
  limit ${maxBlocks}
),
chosen as materialized (
  select first_seat_id, last_seat_id, row_number() over (order by lot) as number,
         sum(available) over (order by lot) - available as available_before
  from blocks
),
counted as materialized (
  select ${seatColumns('seat')}
  from chosen
  cross join lateral (
    select * from seats
    where event_id = $1 and id between chosen.first_seat_id and chosen.last_seat_id and status = 'AVAILABLE'
  ) seat
  where chosen.number <= ${minBlocks} or chosen.available_before < ${2 * maxSeats}
  order by random()
  limit ${maxSeats}
),${releasedSeats('counted', 'event_id = (select id from on_sale)')}${list('counted')}`,
};

/** Reads event by event and stops at 200 seats; 100 of one event are as many as one answer shows. */
export const availableOfComingEventsStatement: Statement = {
  name: 'available-of-coming-events',
  text: `
with counted as materialized (
  select ${seatColumns('seat')}
  from (
    select id from events
    where starts_at > statement_timestamp() and ${isSold('events')}
    order by starts_at, id
  ) event
  cross join lateral (
    select seat.*
    from (
      select first_seat_id, last_seat_id
      from seat_blocks
      where event_id = event.id and available > 0
      order by random()
      limit ${maxBlocks}
    ) block
    cross join lateral (
      select * from seats
      where event_id = event.id and id between block.first_seat_id and block.last_seat_id and status = 'AVAILABLE'
    ) seat
    limit 100
  ) seat
  limit ${maxSeats}
),${releasedSeats(
    'counted',
    `exists (select from events where id = event_id and starts_at > clock_timestamp() and ${isSold('events')})`,
  )}${list('counted')}`,
};
