import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { holdInBulk } from '../rig/hold-in-bulk.ts';
import { shuffle } from '../rig/shuffle.ts';
import { countBookings, settleTables, untilQuiet } from '../rig/stores.ts';
import { seatsFor } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const highestRate = 4_000;
/** Enough for PostgreSQL to know which index to take. */
const heldBefore = 2_000;
const holdMs = 120_000;

function statementAlone(name: string, title: string, connections: number): Figure {
  return {
    name,
    title,
    measure: async (rig, effort) => {
      const { databaseUrl, redisUrl, folder } = rig.stack;
      const { url } = await rig.service('booking-api');
      const { eventId, seatIds } = await openHall(
        url,
        databaseUrl,
        heldBefore + seatsFor(effort, highestRate),
      );
      // The engine makes its plans anew as the tables fill. A plan made here is kept, so it is made for tables with rows.
      const held = seatIds.slice(0, heldBefore);
      await holdInBulk(databaseUrl, eventId, held, new Date(Date.now() + holdMs));
      await settleTables(databaseUrl);
      const job = {
        ...effort,
        databaseUrl,
        redisUrl,
        connections,
        seatIds: shuffle(seatIds.slice(heldBefore)),
      };
      await using clients = startPart('statement-clients', job, folder);
      const measured = await measureLoad(rig, clients, []);
      await untilQuiet(databaseUrl);
      return toSample(measured, ['booked'], await countBookings(databaseUrl, measured.result));
    },
  };
}

export const statement = statementAlone('statement', 'the booking transaction alone, 32 connections', 32);
export const loneStatement = statementAlone(
  'lone-statement',
  'the booking transaction alone, one connection',
  1,
);
