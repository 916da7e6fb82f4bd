import { openDatabase } from '@ticketing/seat-core/clients';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { createMeter, type LoadTimes } from '../load/load-meter.ts';
import { runChild } from '../rig/child-process.ts';
import { forAnother, recordHold } from './record-hold.ts';

interface StatementJob extends LoadTimes {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly connections: number;
  /** Free seats: one to record, the rest to book. */
  readonly seatIds: readonly string[];
}

/**
 * PostgreSQL plans a prepared statement anew for its first five executions on a connection, tens of milliseconds each
 * for this one: that belongs to no rate.
 */
const bookingsUntilPlanned = 7;

/*
 * The database alone: the engine's own statements, one booking per transaction, on this number of connections, with
 * nothing in front. The queries of a transaction are sent at once and are one round trip, as in the engine.
 */
runChild(async (job, send) => {
  const { databaseUrl, redisUrl, connections, seatIds, ...times } = job as StatementJob;
  const [first, ...seats] = seatIds;
  const recorded = await recordHold(databaseUrl, redisUrl, first!);
  const pool = openPool(databaseUrl, connections);
  const meter = createMeter(times, send);
  let booked = 0;
  const bookOneByOne = async (client: pg.PoolClient, isOver: () => boolean) => {
    while (!isOver()) {
      const number = booked++;
      const seatId = seats[number];
      if (seatId === undefined) return meter.end();
      const queries = forAnother(recorded, { seatId, userId: `buyer-${number}`, bookingId: uuidv7() });
      const since = performance.now();
      await Promise.all(
        queries.map(({ values = [], ...query }) => client.query({ ...query, values: [...values] })),
      );
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

/** Connections as the engine's, without its time limits: on a busy machine 32 of them take their time. */
function openPool(databaseUrl: string, connections: number): pg.Pool {
  const { options } = openDatabase({ databaseUrl }).$client;
  return new pg.Pool({
    ...options,
    max: connections,
    connectionTimeoutMillis: 10_000,
    lock_timeout: 0,
    statement_timeout: 0,
    query_timeout: 0,
  });
}
