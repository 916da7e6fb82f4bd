import { holdInBulk } from '../rig/bulk-holds.ts';
import { startChild } from '../rig/child-process.ts';
import { createEvent, shuffle } from '../rig/event.ts';
import { countBookings, vacuumTables, waitUntilIdle } from '../rig/stores.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';
import { seatsFor } from './requests.ts';

/** Enough for PostgreSQL to choose the right index. */
const heldBefore = 2_000;
const holdMs = 120_000;

function statementAlone(name: string, title: string, connections: number): Figure {
  return {
    name,
    title,
    measure: async (rig, effort) => {
      const { databaseUrl, redisUrl, folder } = rig.stack;
      const event = await createEvent(rig.bookingApi.url, databaseUrl, heldBefore + seatsFor(effort, 4_000));
      // The engine makes its plans anew as the tables fill. A plan made here stays, so it is made for filled tables.
      const [held, free] = [event.seatIds.slice(0, heldBefore), event.seatIds.slice(heldBefore)];
      await holdInBulk(databaseUrl, event.eventId, held, new Date(Date.now() + holdMs));
      await vacuumTables(databaseUrl);
      const job = { ...effort, databaseUrl, redisUrl, connections, seatIds: shuffle(free) };
      await using clients = startChild('statement-clients', job, folder);
      const measured = await measureLoad(rig, clients, []);
      await waitUntilIdle(databaseUrl);
      return toSample(measured, ['booked'], await countBookings(databaseUrl, measured.result, 'bookings'));
    },
  };
}

export const statement = statementAlone('statement', 'the booking transaction alone, 32 connections', 32);
export const loneStatement = statementAlone(
  'lone-statement',
  'the booking transaction alone, one connection',
  1,
);
