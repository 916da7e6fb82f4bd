import type pg from 'pg';
import { createMeter, type LoadTimes } from '../load/load-meter.ts';
import { runChild } from '../rig/child-process.ts';
import { holdAsOn29November, openPoolOf29November } from './of-29-november/hold.ts';

interface StatementJob extends LoadTimes {
  readonly databaseUrl: string;
  readonly connections: number;
  /** Free seats. */
  readonly seatIds: readonly string[];
}

/**
 * PostgreSQL plans a prepared statement anew for its first five executions on a connection, tens of milliseconds each
 * for this one: that belongs to no rate.
 */
const bookingsUntilPlanned = 7;

/* The database alone: the transaction of 29 November, one booking each, on this number of connections. */
runChild(async (job, send) => {
  const { databaseUrl, connections, seatIds, ...times } = job as StatementJob;
  const pool = openPoolOf29November(databaseUrl, connections);
  const meter = createMeter(times, send);
  let booked = 0;
  const bookOneByOne = async (client: pg.PoolClient, isOver: () => boolean) => {
    while (!isOver()) {
      const number = booked++;
      const seatId = seatIds[number];
      if (seatId === undefined) return meter.end();
      const since = performance.now();
      await holdAsOn29November(client, [{ seatId, userId: `buyer-${number}` }]);
      meter.record('booked', performance.now() - since);
    }
  };
  const clients: pg.PoolClient[] = [];
  while (clients.length < connections) clients.push(await pool.connect());
  for (const client of clients) {
    const plannedAt = booked + bookingsUntilPlanned;
    await bookOneByOne(client, () => booked >= plannedAt);
  }
  meter.begin();
  await Promise.all(clients.map(async (client) => bookOneByOne(client, () => meter.hasEnded())));
});
