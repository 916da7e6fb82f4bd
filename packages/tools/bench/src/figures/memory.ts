import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { residentMegabytes } from '../rig/resident-megabytes.ts';
import { countBookings, settleTables, untilQuiet } from '../rig/stores.ts';
import { bookingOf } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const bookingsAtScale = 100_000;
const longestMs = 200_000;

/** What a new process of booking-api has grown to after 100,000 bookings, and after as many again. */
export const memory: Figure = {
  name: 'memory',
  title: '200,000 bookings in one process',
  isLong: true,
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    await using service = await rig.startService('booking-api', databaseUrl);
    const { url, pid } = service;
    const bookings = Math.ceil(bookingsAtScale * effort.scale);
    const book = async () => {
      const { seatIds } = await openHall(url, databaseUrl, bookings);
      await settleTables(databaseUrl);
      const script = { kind: 'each-once', requests: seatIds.map(bookingOf) };
      const job = { warmUpMs: 100, measureMs: longestMs, url, callers: 64, script };
      await using load = startPart('load-generator', job, folder);
      const measured = await measureLoad(rig, load, [pid]);
      await untilQuiet(databaseUrl);
      return { measured, rssMb: await residentMegabytes(pid) };
    };
    const { rssMb: rssHalfwayMb } = await book();
    const { measured, rssMb } = await book();
    return {
      ...toSample(measured, ['201'], await countBookings(databaseUrl, measured.result)),
      rssHalfwayMb,
      rssMb,
    };
  },
};
