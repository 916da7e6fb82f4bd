import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { shuffle } from '../rig/shuffle.ts';
import { countBookings, settleTables, untilQuiet } from '../rig/stores.ts';
import { bookingOf, seatsFor } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const highestRate = 3_000;

/** Each caller books a seat that nobody else wants. What counts is in the table afterwards. */
function distinctSeats(name: string, title: string, callers: number): Figure {
  return {
    name,
    title,
    measure: async (rig, effort) => {
      const { databaseUrl, folder } = rig.stack;
      const { url, pid } = await rig.service('booking-api');
      await Promise.all([rig.service('payment-api'), rig.service('expiry-worker')]);
      const { seatIds } = await openHall(url, databaseUrl, seatsFor(effort, highestRate));
      await settleTables(databaseUrl);
      const requests = shuffle(seatIds).map(bookingOf);
      const job = { ...effort, url, callers, script: { kind: 'each-once', requests } };
      await using load = startPart('load-generator', job, folder);
      const measured = await measureLoad(rig, load, [pid]);
      await untilQuiet(databaseUrl);
      return toSample(measured, ['201'], await countBookings(databaseUrl, measured.result));
    },
  };
}

export const booking = distinctSeats('booking', 'distinct seats, 64 callers', 64);
export const loneBooking = distinctSeats('lone-booking', 'distinct seats, one caller', 1);
