import { afterAll, beforeAll, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import type { Statement } from '../../src/postgres/statement.ts';
import {
  availableOfComingEventsStatement,
  availableOfEventStatement,
} from '../../src/seats/available-seats.sql.ts';
import { readCountsStatement } from '../../src/states/seat-counts.sql.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

/* What a list reads follows what it shows, not what exists: 14 sold-out events begin before one that has seats. */

const seatsPerEvent = 1_200;
const soldOut: string[] = [];
let engine: TestEngine;
let last: { id: string; seatIds: readonly string[] };

beforeAll(async () => {
  engine = await openTestEngine();
  for (let day = 1; day <= 15; day += 1) {
    const event = await engine.core.createEvent({
      name: `Night ${day}`,
      venue: 'Arena',
      startsAt: new Date(Date.now() + day * 86_400_000),
      sections: [
        {
          name: 'Stalls',
          price: { amount: 1, currency: 'IDR' },
          rows: [{ name: 'A', seats: seatsPerEvent }],
        },
      ],
    });
    if (day < 15) soldOut.push(event.id);
    else last = { id: event.id, seatIds: await seatIdsOf(event.id) };
  }
  await sellByHand('event_id = any($1)', [soldOut]);
  await engine.pool.query('analyze');
}, 60_000);
afterAll(async () => engine[Symbol.asyncDispose]());

async function seatIdsOf(eventId: string): Promise<string[]> {
  const text = 'select id from seats where event_id = $1 order by id';
  return (await engine.pool.query<{ id: string }>(text, [eventId])).rows.map(({ id }) => id);
}

/** Without bookings, and so without records. The blocks are made anew. */
async function sellByHand(condition: string, values: unknown[]): Promise<void> {
  for (const status of ['RESERVED', 'SOLD'])
    await engine.pool.query(
      `update seats set status = '${status}', version = version + 1 where ${condition}`,
      values,
    );
  await engine.pool.query('delete from seat_blocks');
  await engine.withSettings({}).countSeats();
}

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** How many rows of each table the statement looks at. */
async function rowsRead({ name, text }: Statement, ids: readonly string[]): Promise<Record<string, number>> {
  const client = await engine.pool.connect();
  try {
    const types = ids.length === 0 ? '' : text.includes('any($1') ? '(uuid[])' : '(uuid)';
    const value = types === '(uuid[])' ? `'{${ids.join()}}'` : `'${ids[0]}'`;
    await client.query('begin');
    // A table of two pages is read whole, whatever indexes it has.
    await client.query('set local enable_seqscan = off');
    await client.query(`prepare "${name}"${types} as ${text}`);
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `explain (analyze, format json) execute "${name}"${types === '' ? '' : `(${value})`}`,
    );
    const read: Record<string, number> = {};
    const visit = (node: PlanNode) => {
      const table = node['Relation Name'];
      const found = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
      if (table !== undefined) read[table] = (read[table] ?? 0) + found;
      for (const inner of node.Plans ?? []) visit(inner);
    };
    visit(rows[0]!['QUERY PLAN'][0].Plan);
    return read;
  } finally {
    await client.query('rollback; deallocate all');
    client.release();
  }
}

it('a list of all coming events finds seats behind 14 sold-out events, and reads no seat of these', async () => {
  const { seats } = await engine.core.listAvailableSeats({ limit: 100 });
  expect(seats).toHaveLength(100);
  expect(new Set(seats.map(({ eventId }) => eventId))).toEqual(new Set([last.id]));
  // Without statistics one index of so small a table looks as good as the other.
  await engine.pool.query('analyze seat_blocks');
  const read = await rowsRead(availableOfComingEventsStatement, []);
  // One event fills half of the list.
  expect(read['seats']).toBeLessThanOrEqual(100);
  expect(read['seat_blocks']).toBeLessThanOrEqual(3);
});

it('a list of events reads rows of blocks, and no seat', async () => {
  const { events } = await engine.core.listEvents({ limit: 100 });
  expect(events.map(({ seatCounts }) => seatCounts.available)).toEqual([
    seatsPerEvent,
    ...soldOut.map(() => 0),
  ]);
  expect(await rowsRead(readCountsStatement, [...soldOut, last.id])).toEqual({ seat_blocks: 45 });
});

it('the free seats of a sold-out event are looked for in none of its seats', async () => {
  const { seats } = await engine.core.listAvailableSeats({ eventId: soldOut[0]! });
  expect(seats).toEqual([]);
  const read = await rowsRead(availableOfEventStatement, [soldOut[0]!]);
  expect(read['seats'] ?? 0).toBe(0);
});

it('the last free seats of an event are found in the blocks that have them', async () => {
  const free = [last.seatIds[3]!, last.seatIds[1_100]!];
  await sellByHand('event_id = $1 and id <> all($2)', [last.id, free]);
  const { seats } = await engine.core.listAvailableSeats({ eventId: last.id });
  expect(seats.map(({ id }) => id).toSorted()).toEqual(free);
  // The block in the middle has none.
  const read = await rowsRead(availableOfEventStatement, [last.id]);
  expect(read['seats']).toBe(700);
});

it('a seat that was released a moment ago is listed before it is counted, until the sales close', async () => {
  const { event, seatIds } = await engine.makeEvent(3);
  const held = await engine.core.holdSeats({ seatIds, userId: 'ani' });
  await engine.core.countSeats();
  const fresh = engine.withSettings({});
  await engine.whileLocked('select from seat_counting for update', async () => {
    expect((await fresh.listAvailableSeats({ eventId: event.id })).seats).toEqual([]);
    await engine.core.releaseBooking({ bookingId: held.id, ownedBy: anyone, actor: 'ani' });
    await engine.redis.flushdb();
    const ofEvent = await engine.withSettings({}).listAvailableSeats({ eventId: event.id });
    expect(ofEvent.seats.map(({ id }) => id).toSorted()).toEqual(seatIds);
    const ofAll = await engine.withSettings({}).listAvailableSeats({ limit: 100 });
    expect(ofAll.seats.map(({ id }) => id)).toEqual(expect.arrayContaining(seatIds));
    await engine.pool.query('update events set sales_close_at = now() where id = $1', [event.id]);
    await engine.redis.flushdb();
    const closed = await engine.withSettings({}).listAvailableSeats({ eventId: event.id });
    expect(closed.seats).toEqual([]);
    const others = await engine.withSettings({}).listAvailableSeats({ limit: 100 });
    expect(others.seats.filter(({ eventId }) => eventId === event.id)).toEqual([]);
  });
});
