import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { shuffle } from '../rig/shuffle.ts';
import { countBookings, settleTables, untilQuiet } from '../rig/stores.ts';
import { seatsFor } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const seatsPerBooking = 4;
const highestRate = 1_500;

/** Families: four seats side by side, all or none. */
export const multiSeat: Figure = {
  name: 'multi-seat',
  title: 'bookings of four seats, 64 callers',
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    const { url, pid } = await rig.service('booking-api');
    const bookings = seatsFor(effort, highestRate);
    const { seatIds } = await openHall(url, databaseUrl, bookings * seatsPerBooking);
    await settleTables(databaseUrl);
    const families = Array.from({ length: bookings }, (_, family) =>
      seatIds.slice(family * seatsPerBooking, (family + 1) * seatsPerBooking),
    );
    const requests = shuffle(families).map((family, number) => ({
      method: 'POST',
      path: '/api/v1/booking',
      body: JSON.stringify({ seatIds: family, userId: `buyer-${number}` }),
    }));
    const script = { kind: 'each-once', requests };
    await using load = startPart('load-generator', { ...effort, url, callers: 64, script }, folder);
    const measured = await measureLoad(rig, load, [pid]);
    await untilQuiet(databaseUrl);
    return toSample(measured, ['201'], await countBookings(databaseUrl, measured.result));
  },
};
