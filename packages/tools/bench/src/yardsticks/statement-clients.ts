import { openDatabase } from '@ticketing/seat-core';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { LoadMeter, type LoadTimes } from '../load/load-meter.ts';
import { runPart } from '../parts/run-part.ts';
import { forAnother, recordHold } from './record-hold.ts';

export interface StatementJob extends LoadTimes {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly connections: number;
  /** Free seats, one more than can be booked in the time. */
  readonly seatIds: readonly string[];
}

/**
 * PostgreSQL plans a prepared statement anew for its first five executions on a connection, and this one takes it
 * tens of milliseconds: that belongs to nobody's rate.
 */
const bookingsUntilPlanned = 7;

/*
 * What the database alone does: the engine's own statements, one booking per transaction, on as many connections,
 * with nothing in front. Each transaction is sent at once and is one round trip, as in the engine.
 */
runPart(async (job, tell) => {
  const { databaseUrl, redisUrl, connections, seatIds, ...times } = job as StatementJob;
  const [first, ...seats] = seatIds;
  const recorded = await recordHold(databaseUrl, redisUrl, first!);
  const pool = openPool(databaseUrl, connections);
  const meter = new LoadMeter(times, tell, () => undefined);
  let booked = 0;
  const bookOneByOne = async (client: pg.PoolClient, isOver: () => boolean) => {
    while (!isOver()) {
      const number = booked++;
      const seatId = seats[number];
      if (seatId === undefined) return meter.end();
      const calls = forAnother(recorded, { seatId, userId: `buyer-${number}`, bookingId: uuidv7() });
      const since = performance.now();
      await Promise.all(calls.map((call) => client.query({ ...call, values: [...(call.values ?? [])] })));
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

/** Connections as the engine's, but nobody is told to give up: on a busy machine 32 of them take their time. */
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
