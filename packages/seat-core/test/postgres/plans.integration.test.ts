import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  confirmBookingsStatement,
  releaseBookingsStatement,
} from '../../src/bookings/confirm-and-release.sql.ts';
import { expireBookingsStatement, sweepOverdueStatement } from '../../src/expiry/expiry.sql.ts';
import { holdFreeSeatsStatements } from '../../src/hold/hold-free-seats.sql.ts';
import { holdSeatsStatement } from '../../src/hold/hold-seats.sql.ts';
import { openDatabase, type Database } from '../../src/postgres/pool.ts';
import type { Statement } from '../../src/postgres/statement.ts';
import { findBookingStatement } from '../../src/records/find-booking.sql.ts';
import { newEventId, seatIdOf } from '../../src/ids.ts';
import { anyone } from '../../src/records/ownership.ts';
import { createSeatCore, type SeatCore } from '../../src/seat-core.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

/*
 * The services connect before the sale and keep their plans: PostgreSQL chooses the indexes while the tables are empty.
 * An index that is as good as another on empty tables must not be one that is read from end to end with thousands of
 * holds.
 */

const holds = 1_500;
/** Pages and filtered rows that a statement about one booking may read: some pages of each of a few indexes. */
const mostWork = 150;

interface PlanNode {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** A parameter. A list holds texts without commas. */
type Value = string | number | null | readonly (string | number | null)[];

const filteredRows = (node: PlanNode): number =>
  (node['Rows Removed by Filter'] ?? 0) * node['Actual Loops'] +
  (node.Plans ?? []).reduce((sum, inner) => sum + filteredRows(inner), 0);

describe.each([
  { tables: 'never analyzed', prepare: 'select' },
  { tables: 'analyzed while they were empty', prepare: 'vacuum analyze' },
])('on a connection that is older than the sale, tables $tables', ({ prepare }) => {
  let engine: TestEngine;
  let database: Database;
  let early: SeatCore;
  /** An engine whose holds are overdue as soon as they are made. */
  let briefly: SeatCore;
  let eventId: string;
  let held: { id: string; seatId: string }[];
  let free: string[];

  beforeAll(async () => {
    engine = await openTestEngine();
    briefly = engine.withSettings({ holdSeconds: 0.001 });
    await engine.pool.query(prepare);
    database = openDatabase({ databaseUrl: engine.databaseUrl, poolMax: 4 });
    early = createSeatCore({ database, redis: engine.redis });
    // After five calls PostgreSQL makes the plan that it keeps.
    for (let call = 0; call < 6; call += 1) await Promise.all([sendEveryStatement(), sendEveryStatement()]);

    const event = await engine.core.createEvent({
      name: 'Derby',
      venue: 'Arena',
      startsAt: new Date(Date.now() + 86_400_000),
      sections: [
        {
          name: 'Stalls',
          price: { amount: 1, currency: 'IDR' },
          rows: Array.from({ length: 16 }, (_, row) => ({ name: `${row}`, seats: 100 })),
        },
      ],
    });
    eventId = event.id;
    const { rows } = await engine.pool.query<{ id: string }>('select id from seats where event_id = $1', [
      eventId,
    ]);
    const seatIds = rows.map(({ id }) => id);
    free = seatIds.slice(holds);
    held = [];
    for (let n = 0; n < holds; n += 60) {
      const crowd = seatIds.slice(n, n + 60).map(async (seatId) => {
        const { id } = await engine.core.holdSeats({ seatIds: [seatId], userId: seatId });
        held.push({ id, seatId });
      });
      await Promise.all(crowd);
    }
  });
  afterAll(async () => {
    await early.close();
    await database.$client.end();
    await engine[Symbol.asyncDispose]();
  });

  async function sendEveryStatement(): Promise<void> {
    const bookingId = randomUUID();
    // Of two requests of one user in a commit, the statement that decides between rivals has the second.
    const unknown = newEventId();
    const hold = (index: number) => early.holdSeats({ seatIds: [seatIdOf(unknown, index)], userId: 'early' });
    await Promise.all([refusal(hold(1)), refusal(hold(2))]);
    await refusal(early.confirmBooking({ bookingId, ownedBy: anyone, actor: 'early' }));
    await refusal(early.releaseBooking({ bookingId, ownedBy: anyone, actor: 'early' }));
    await refusal(early.getBooking({ bookingId, ownedBy: anyone }));
    await early.expireBookings({ bookingIds: [bookingId] });
    await early.sweepOverdue();
  }

  /**
   * Pages and filtered rows, by the plan that the engine uses on this connection. Changes nothing.
   */
  async function workOf({ name }: Statement, values: readonly Value[]): Promise<number> {
    const client = await database.$client.connect();
    try {
      await client.query('begin');
      const call = `execute "${name}"(${values.map((value) => literal(client, value)).join(', ')})`;
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `explain (analyze, buffers, format json) ${call}`,
      );
      const plan = rows[0]!['QUERY PLAN'][0].Plan;
      const pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
      expect(pages).toBeGreaterThan(0);
      return pages + filteredRows(plan);
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  /** An overdue hold among the others. */
  async function overdue(): Promise<{ id: string; seatId: string }> {
    const seatId = free.pop()!;
    const { id } = await briefly.holdSeats({ seatIds: [seatId], userId: seatId });
    await engine.untilOverdue(id);
    return { id, seatId };
  }

  const holdOf = (seatId: string) => [
    [randomUUID()],
    [eventId],
    [seatId],
    [null],
    [1],
    [1],
    [seatId],
    120,
    20,
  ];
  const reclaimOf = (seatId: string) => {
    const id = randomUUID();
    return [[id], [seatId], ...Array.from({ length: 3 }, () => [null]), [id], [eventId], [seatId], 120, 20];
  };
  const transition = () => [[held[0]!.id], [null], ['test'], [null], [null], [null]];

  it.each<{ what: string; statement: Statement; values: () => Promise<readonly Value[]> }>([
    { what: 'hold a seat', statement: holdFreeSeatsStatements.plain, values: async () => holdOf(free[0]!) },
    {
      what: 'refuse a seat whose hold is overdue to a hold of free seats',
      statement: holdFreeSeatsStatements.plain,
      values: async () => holdOf((await overdue()).seatId),
    },
    {
      what: 'hold a seat whose hold is overdue',
      statement: holdSeatsStatement,
      values: async () => reclaimOf((await overdue()).seatId),
    },
    { what: 'confirm', statement: confirmBookingsStatement, values: async () => transition() },
    { what: 'release', statement: releaseBookingsStatement, values: async () => transition() },
    {
      what: 'expire a hold',
      statement: expireBookingsStatement,
      values: async () => [[(await overdue()).id], 'test'],
    },
    {
      what: 'sweep a hold',
      statement: sweepOverdueStatement,
      values: async () => [await overdue().then(() => 1), 'test'],
    },
    { what: 'find a booking', statement: findBookingStatement, values: async () => [held[0]!.id, null] },
  ])('reads few pages to $what, however many holds there are', async ({ statement, values }) => {
    const given = await values();
    // The statistics of a plan may be a second old.
    await expect.poll(() => workOf(statement, given), { timeout: 5_000 }).toBeLessThanOrEqual(mostWork);
  });
});

function literal(client: pg.ClientBase, value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return `${value}`;
  if (typeof value === 'string') return client.escapeLiteral(value);
  return client.escapeLiteral(`{${value.map((member) => member ?? 'null').join(',')}}`);
}
