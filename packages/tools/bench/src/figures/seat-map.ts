import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const seats = 10_000;

/** Everybody has the map already and asks whether it has changed. */
export const seatMap: Figure = {
  name: 'map-304',
  title: 'seat map that has not changed (304), 64 callers',
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    const { url, pid } = await rig.service('booking-api');
    const { eventId } = await openHall(url, databaseUrl, seats);
    const path = `/api/v1/events/${eventId}/seats`;
    const map = await fetch(`${url}${path}`);
    await map.arrayBuffer();
    const headers = { 'if-none-match': map.headers.get('etag')!, 'accept-encoding': 'gzip' };
    const script = { kind: 'over-and-over', requests: [{ method: 'GET', path, headers }] };
    await using load = startPart('load-generator', { ...effort, url, callers: 64, script }, folder);
    return toSample(await measureLoad(rig, load, [pid]), ['304']);
  },
};
