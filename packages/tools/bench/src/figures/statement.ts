import { startChild } from '../rig/child-process.ts';
import { shuffle } from '../rig/event.ts';
import { countBookings, emptyStores, vacuumTables, waitUntilIdle } from '../rig/stores.ts';
import { addEventOf29November } from '../yardsticks/of-29-november/database.ts';
import { holdAsOn29November, openPoolOf29November } from '../yardsticks/of-29-november/hold.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';
import { seatsFor } from './requests.ts';

/** Enough for PostgreSQL to choose the right index. */
const heldBefore = 2_000;

function statementAlone(name: string, title: string, connections: number): Figure {
  return {
    name,
    title,
    measure: async (rig, effort) => {
      const { of29November: databaseUrl, stack } = rig;
      await emptyStores(databaseUrl, stack.redisUrl);
      const seatIds = await addEventOf29November(databaseUrl, heldBefore + seatsFor(effort, 4_000));
      // A plan made here stays, so it is made for filled tables.
      await holdBefore(databaseUrl, seatIds.slice(0, heldBefore));
      await vacuumTables(databaseUrl);
      const job = { ...effort, databaseUrl, connections, seatIds: shuffle(seatIds.slice(heldBefore)) };
      await using clients = startChild('statement-clients', job, stack.folder);
      const measured = await measureLoad(rig, clients, []);
      await waitUntilIdle(databaseUrl);
      return toSample(measured, ['booked'], await countBookings(databaseUrl, measured.result, 'bookings'));
    },
  };
}

async function holdBefore(databaseUrl: string, seatIds: readonly string[]): Promise<void> {
  const pool = openPoolOf29November(databaseUrl, 1);
  const client = await pool.connect();
  await holdAsOn29November(
    client,
    seatIds.map((seatId) => ({ seatId, userId: `holder-${seatId}` })),
  );
  client.release();
  await pool.end();
}

const transaction = 'the transaction of 29 November straight on PostgreSQL';
export const statement = statementAlone('statement', `${transaction}, 32 connections`, 32);
export const loneStatement = statementAlone('lone-statement', `${transaction}, one connection`, 1);
