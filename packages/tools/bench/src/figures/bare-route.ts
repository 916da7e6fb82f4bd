import { v7 as uuidv7 } from 'uuid';
import { startPart } from '../parts/start-part.ts';
import { bookingOf } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

/** Enough that no two in flight are the same. */
const differentRequests = 5_000;

/** The same load as `booking`, on a route that does nothing. */
export const bareRoute: Figure = {
  name: 'bare',
  title: 'a bare Fastify POST route, 64 callers',
  measure: async (rig, effort) => {
    const { url, pid } = await rig.bare();
    const requests = Array.from({ length: differentRequests }, (_, number) => bookingOf(uuidv7(), number));
    const job = { ...effort, url, callers: 64, script: { kind: 'over-and-over', requests } };
    await using load = startPart('load-generator', job, rig.stack.folder);
    return toSample(await measureLoad(rig, load, [pid]), ['201']);
  },
};
