import { v7 as uuidv7 } from 'uuid';
import { startPart } from '../parts/start-part.ts';
import { fillPageSeats } from '../rig/page-database.ts';
import { shuffle } from '../rig/shuffle.ts';
import { countBookings, emptyStores, settleTables, untilQuiet } from '../rig/stores.ts';
import { bookingOf, seatsFor } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const highestRate = 3_000;

/** The same load as `booking`, on the steps of the architecture page. */
export const pageSteps: Figure = {
  name: 'page',
  title: "the architecture page's steps, 64 callers",
  measure: async (rig, effort) => {
    const { redisUrl, folder } = rig.stack;
    const { url, pid, databaseUrl } = await rig.page();
    await emptyStores(databaseUrl, redisUrl);
    const seatIds = Array.from({ length: seatsFor(effort, highestRate) }, () => uuidv7());
    await fillPageSeats(databaseUrl, seatIds);
    await settleTables(databaseUrl);
    const script = { kind: 'each-once', requests: shuffle(seatIds).map(bookingOf) };
    await using load = startPart('load-generator', { ...effort, url, callers: 64, script }, folder);
    const measured = await measureLoad(rig, load, [pid]);
    await untilQuiet(databaseUrl);
    return toSample(measured, ['201'], await countBookings(databaseUrl, measured.result, 'page_bookings'));
  },
};
