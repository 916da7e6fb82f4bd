import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { holdInBulk } from '../rig/hold-in-bulk.ts';
import { shuffle } from '../rig/shuffle.ts';
import { settleTables, untilQuiet } from '../rig/stores.ts';
import { seatsFor } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const highestRate = 4_000;
const holdMs = 120_000;

/** Everybody pays for the seat that they hold. */
export const confirm: Figure = {
  name: 'confirm',
  title: 'confirmations, 64 callers',
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    const bookingApi = await rig.service('booking-api');
    const { url, pid } = await rig.service('payment-api');
    const hall = await openHall(bookingApi.url, databaseUrl, seatsFor(effort, highestRate));
    const holds = await holdInBulk(databaseUrl, hall.eventId, hall.seatIds, new Date(Date.now() + holdMs));
    await settleTables(databaseUrl);
    const requests = shuffle(holds).map(({ bookingId }) => ({
      method: 'POST',
      path: `/api/v1/payment/${bookingId}/confirm`,
    }));
    const script = { kind: 'each-once', requests };
    await using load = startPart('load-generator', { ...effort, url, callers: 64, script }, folder);
    const measured = await measureLoad(rig, load, [pid]);
    await untilQuiet(databaseUrl);
    return toSample(measured, ['200']);
  },
};
