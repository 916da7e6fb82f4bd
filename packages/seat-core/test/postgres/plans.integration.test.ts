import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/postgres/pool.ts';
import { findBookingStatement } from '../../src/records/find-booking.sql.ts';
import { holdSeatsStatement } from '../../src/hold/hold-seats.sql.ts';
import { createSeatCore, type SeatCore } from '../../src/seat-core.ts';
import {
  confirmBookingsStatement,
  expireBookingsStatement,
  releaseBookingsStatement,
  sweepOverdueStatement,
} from '../../src/bookings/transitions.sql.ts';
import type { Statement } from '../../src/postgres/statement.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';
import { anyone } from '../../src/records/ownership.ts';

/*
 * The services connect before the sale, and a plan is kept: PostgreSQL chooses its indexes while it knows nothing of
 * what the tables will hold. One that is as good as another while both are empty must not be one that is read from end
 * to end when thousands hold seats.
 */

const holds = 1_500;
/** Whatever a statement finds of one booking: some pages by each of a handful of indexes, and hardly a row in vain. */
const mostWork = 150;

interface PlanNode {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What is sent; a list is of texts without commas. */
type Value = string | number | null | readonly (string | null)[];

const rowsReadInVain = (node: PlanNode): number =>
  (node['Rows Removed by Filter'] ?? 0) * node['Actual Loops'] +
  (node.Plans ?? []).reduce((sum, inner) => sum + rowsReadInVain(inner), 0);

describe.each([
  { tables: 'never analyzed', prepare: 'select' },
  { tables: 'analyzed while they were empty', prepare: 'vacuum analyze' },
])('on a connection that is older than the sale, and tables $tables,', ({ prepare }) => {
  let engine: TestEngine;
  let database: Database;
  let early: SeatCore;
  /** Its holds end at once. */
  let briefly: SeatCore;
  let eventId: string;
  let held: { id: string; seatId: string }[];
  let free: string[];

  beforeAll(async () => {
    engine = await openTestEngine();
    briefly = engine.withSettings({ holdSeconds: 0.001 });
    await engine.pool.query(prepare);
    database = openDatabase({ databaseUrl: engine.databaseUrl, poolMax: 1 });
    early = createSeatCore({ database, redis: engine.redis });
    // After five calls PostgreSQL makes the plan that it keeps.
    for (let call = 0; call < 6; call += 1) await askForNothing();

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
    for (let n = 0; n < holds; n += 300) {
      const crowd = seatIds.slice(n, n + 300).map(async (seatId) => {
        const { id } = await engine.core.holdSeats({ seatIds: [seatId], userId: seatId });
        held.push({ id, seatId });
      });
      await Promise.all(crowd);
    }
  });
  afterAll(async () => {
    await early[Symbol.asyncDispose]();
    await briefly[Symbol.asyncDispose]();
    await database.$client.end();
    await engine[Symbol.asyncDispose]();
  });

  async function askForNothing(): Promise<void> {
    const bookingId = randomUUID();
    await refusal(early.holdSeats({ seatIds: [randomUUID()], userId: 'nobody' }));
    await refusal(early.confirmBooking({ bookingId, ownedBy: anyone, actor: 'nobody' }));
    await refusal(early.releaseBooking({ bookingId, ownedBy: anyone, actor: 'nobody' }));
    await refusal(early.getBooking({ bookingId, ownedBy: anyone }));
    await early.expireBookings({ bookingIds: [bookingId] });
    await early.sweepOverdue();
  }

  /**
   * Pages and rows in vain, by the plan that the engine itself uses on this connection; leaves everything as it was.
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
      return pages + rowsReadInVain(plan);
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  /** A hold among the others that has ended, and nobody has cleaned up. */
  async function overdue(): Promise<{ id: string; seatId: string }> {
    const seatId = free.pop()!;
    const { id } = await briefly.holdSeats({ seatIds: [seatId], userId: seatId });
    await expect.poll(async () => (await engine.core.getBooking({ bookingId: id, ownedBy: anyone })).status).toBe('EXPIRED');
    return { id, seatId };
  }

  const wish = (seatId: string) => {
    const id = randomUUID();
    return [[id], [seatId], [null], [id], [seatId], 120, 20, [null], [null]];
  };
  const settlement = () => [[held[0]!.id], [null], ['somebody'], [null], [null], [null]];

  it.each<{ what: string; statement: Statement; values: () => Promise<readonly Value[]> }>([
    { what: 'to hold a seat', statement: holdSeatsStatement, values: async () => wish(free[0]!) },
    {
      what: 'to hold a seat whose hold is overdue',
      statement: holdSeatsStatement,
      values: async () => wish((await overdue()).seatId),
    },
    { what: 'to confirm', statement: confirmBookingsStatement, values: async () => settlement() },
    { what: 'to release', statement: releaseBookingsStatement, values: async () => settlement() },
    {
      what: 'to end a hold',
      statement: expireBookingsStatement,
      values: async () => [[(await overdue()).id], 'somebody'],
    },
    {
      what: 'to sweep one',
      statement: sweepOverdueStatement,
      values: async () => [await overdue().then(() => 1), 'somebody'],
    },
    { what: 'to look one up', statement: findBookingStatement, values: async () => [held[0]!.id, null] },
  ])('$what takes little reading, however many hold seats', async ({ statement, values }) => {
    const given = await values();
    // A plan may be a second old.
    await expect.poll(() => workOf(statement, given), { timeout: 5_000 }).toBeLessThanOrEqual(mostWork);
  });
});

function literal(client: pg.ClientBase, value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return `${value}`;
  if (typeof value === 'string') return client.escapeLiteral(value);
  return client.escapeLiteral(`{${value.map((member) => member ?? 'null').join(',')}}`);
}
