import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { bookingOf } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const differentBuyers = 5_000;

/** Everybody wants the same seat: one has it, all others are refused. */
export const hotSeat: Figure = {
  name: 'refusal',
  title: 'one hot seat, refusals, 64 callers',
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    const { url, pid } = await rig.service('booking-api');
    await Promise.all([rig.service('payment-api'), rig.service('expiry-worker')]);
    const { seatIds } = await openHall(url, databaseUrl, 1);
    const requests = Array.from({ length: differentBuyers }, (_, number) => bookingOf(seatIds[0]!, number));
    const job = { ...effort, url, callers: 64, script: { kind: 'over-and-over', requests } };
    await using load = startPart('load-generator', job, folder);
    return toSample(await measureLoad(rig, load, [pid]), ['400']);
  },
};
