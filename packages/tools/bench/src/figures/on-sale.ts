import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { shuffle } from '../rig/shuffle.ts';
import { settleTables, untilQuiet } from '../rig/stores.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

/** A map of so many is what a visitor's browser gets anew once a second. */
const seats = 2_000;

/** 90 % map reads with ETag, 9 % bookings with a Zipf choice of seats, 1 % confirmations; what counts is requests. */
export const onSale: Figure = {
  name: 'on-sale',
  title: 'on-sale mix, requests, 64 callers',
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    const { url, pid } = await rig.service('booking-api');
    const paymentApi = await rig.service('payment-api');
    await rig.service('expiry-worker');
    const { eventId, seatIds } = await openHall(url, databaseUrl, seats);
    await settleTables(databaseUrl);
    const script = {
      kind: 'on-sale',
      mapPath: `/api/v1/events/${eventId}/seats`,
      seatIds: shuffle(seatIds),
      paymentApiUrl: paymentApi.url,
    };
    await using load = startPart('load-generator', { ...effort, url, callers: 64, script }, folder);
    const measured = await measureLoad(rig, load, [pid, paymentApi.pid]);
    await untilQuiet(databaseUrl);
    // 200: a map that has changed, or a confirmation; 400: a seat that others wanted, too.
    return toSample(measured, ['200', '201', '304', '400']);
  },
};
