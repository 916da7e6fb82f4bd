import type { Statement } from '../postgres/statement.ts';

/** A statement that writes `booking_events` lasts a second at most, and takes its moment at its beginning. */
export const lateCommits = `interval '3 seconds'`;

/** Seats of a block: one page of the table has about 60. */
const seatsPerBlock = 500;

/** 3 ms of work in a round. 40 events of 100,000 seats are walked over in four minutes. */
const walkedBlocks = 10;

const countsOf = (seat: string): string =>
  ['AVAILABLE', 'RESERVED', 'SOLD']
    .map((status) => `(count(*) filter (where ${seat}.status = '${status}'))::int as ${status.toLowerCase()}`)
    .join(', ');

/** $1 event ids */
export const readCountsStatement: Statement = {
  name: 'read-counts',
  text: `
select event_id, sum(available)::int as available, sum(reserved)::int as reserved, sum(sold)::int as sold
from seat_blocks
where event_id = any($1::uuid[])
group by event_id`,
};

/** How old the counts are, in ms; a clock that was set back makes them old, too. */
export const readCountsAgeStatement: Statement = {
  name: 'read-counts-age',
  text: `
select abs(extract(epoch from clock_timestamp() - at) * 1000)::float8 as age_ms,
       current_setting('transaction_read_only') = 'on' as is_read_only
from seat_counting`,
};

/** For the transaction that is open: what can be counted again need not be durable, and must not wait for a standby. */
export const commitAtOnceStatement: Statement = {
  name: 'commit-at-once',
  text: `select set_config('synchronous_commit', 'off', true)`,
};

/** As `commit-at-once`; also takes the turn, unless another round has it. */
export const takeCountingTurnStatement: Statement = {
  name: 'take-counting-turn',
  text: `select set_config('synchronous_commit', 'off', true) from seat_counting for update skip locked`,
};

/**
 * $1 how many records at most. Recounts from the seats every block that a record has touched since the round before,
 * and the next few blocks of all, for changes that no record tells in time. Of the records of the last seconds it takes those
 * whose transaction the round before may not have seen: older than the oldest that was open then are all counted. Does nothing while another round has the
 * turn. A block that is being retired is left out.
 */
export const countSeatsStatement: Statement = {
  name: 'count-seats',
  text: `
with turn as materialized (
  select walked_event_id, walked_seat_id, seen_before::xid as seen_before,
         least(counted_until, statement_timestamp() - ${lateCommits}) as since
  from seat_counting
  for update skip locked
),
records as materialized (
  select event_id, seat_ids, at
  from booking_events
  where at >= (select since from turn)
    and (select seen_before is null or age(seen_before) < 0 or age(booking_events.xmin) <= age(seen_before) from turn)
  order by at
  limit $1
),
walked as materialized (
  select event_id, first_seat_id
  from seat_blocks
  where (event_id, first_seat_id) > ((select walked_event_id from turn), (select walked_seat_id from turn))
  order by event_id, first_seat_id
  limit ${walkedBlocks}
),
touched as materialized (
  select block.event_id, block.first_seat_id
  from (select distinct event_id, unnest(seat_ids) as seat_id from records) seat
  cross join lateral (
    select event_id, first_seat_id
    from seat_blocks
    where event_id = seat.event_id and first_seat_id <= seat.seat_id
    order by first_seat_id desc
    limit 1
  ) block
  union
  select event_id, first_seat_id from walked
),
blocks as materialized (
  select block.event_id, block.first_seat_id, block.last_seat_id
  from touched
  join seat_blocks block using (event_id, first_seat_id)
  for no key update of block skip locked
),
counted as materialized (
  select blocks.event_id, blocks.first_seat_id, seat.*
  from blocks
  cross join lateral (
    select ${countsOf('seats')}
    from seats
    where event_id = blocks.event_id and id between blocks.first_seat_id and blocks.last_seat_id
  ) seat
),
changed as (
  update seat_blocks block
  set available = counted.available, reserved = counted.reserved, sold = counted.sold
  from counted
  where block.event_id = counted.event_id and block.first_seat_id = counted.first_seat_id
    and (block.available, block.reserved, block.sold)
      is distinct from (counted.available, counted.reserved, counted.sold)
),
reached as (
  select case when count(*) < $1 then statement_timestamp()
              -- So many records of one millisecond: the walk finds those beyond the limit.
              else greatest(max(at), (select since from turn) + interval '1 millisecond') end as at
  from records
),
last_walked as (
  select event_id, first_seat_id from walked order by event_id desc, first_seat_id desc
  limit (select case when count(*) < ${walkedBlocks} then 0 else 1 end from walked)
),
advanced as (
  update seat_counting
  set at = reached.at,
      counted_until = least(reached.at, statement_timestamp() - ${lateCommits}),
      seen_before = case when (select count(*) from records) < $1
        then pg_snapshot_xmin(pg_current_snapshot()) else seat_counting.seen_before end,
      walked_event_id = coalesce((select event_id from last_walked), '00000000-0000-0000-0000-000000000000'),
      walked_seat_id = coalesce((select first_seat_id from last_walked), '00000000-0000-0000-0000-000000000000')
  from reached, turn
)
select count(*)::int as records from records`,
};

/**
 * $1 event id. Makes the blocks of an event that has none: another build may have created it, or it is older than the
 * blocks. Returns its counts.
 */
export const makeBlocksStatement: Statement = {
  name: 'make-blocks',
  text: `
with block as materialized (
  select (array_agg(id order by id))[1] as first_seat_id, (array_agg(id order by id desc))[1] as last_seat_id,
         ${countsOf('seat')}
  from (
    select id, status, (row_number() over (order by id) - 1) / ${seatsPerBlock} as number
    from seats
    where event_id = $1
  ) seat
  group by number
),
made as (
  insert into seat_blocks (event_id, first_seat_id, last_seat_id, available, reserved, sold)
  select $1, block.* from block
  on conflict do nothing
)
select coalesce(sum(available), 0)::int as available, coalesce(sum(reserved), 0)::int as reserved,
       coalesce(sum(sold), 0)::int as sold
from block`,
};

/** $1 how many at most. The newest events that have seats and no blocks. */
export const findEventsWithoutBlocksStatement: Statement = {
  name: 'find-events-without-blocks',
  text: `
select id
from events event
where not exists (select from seat_blocks where event_id = event.id)
  and exists (select from seats where event_id = event.id)
order by id desc
limit $1`,
};

/** $1 event id, $2 the ids of some of its new seats, in ascending order: the blocks of so many seats each, all free. */
export const insertFreeBlocksStatement: Statement = {
  name: 'insert-free-blocks',
  text: `
insert into seat_blocks (event_id, first_seat_id, last_seat_id, available, reserved, sold)
select $1, ($2::uuid[])[low], ($2::uuid[])[high], high - low + 1, 0, 0
from generate_series(1, cardinality($2::uuid[]), ${seatsPerBlock}) as low
cross join lateral (select least(low + ${seatsPerBlock} - 1, cardinality($2::uuid[])) as high) ending`,
};
