import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { residentMegabytes } from '../rig/resident-megabytes.ts';
import type { Figure } from './figure.ts';
import { measureLoad } from './measure-load.ts';

const socketsAtScale = 5_000;
const changesPerSecond = 500;
const seats = 10_000;
/** As `live-viewers` has it. */
const readers = 20;

/** How long a change takes to be read on one of 5,000 connections of one process, and what they make it grow to. */
export const live: Figure = {
  name: 'live',
  title: '5,000 connections follow 500 changes a second',
  isLong: true,
  isExtra: true,
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    await using service = await rig.startService('booking-api', databaseUrl);
    const { url, pid } = service;
    const { eventId, seatIds } = await openHall(url, databaseUrl, seats);
    const rssHalfwayMb = await residentMegabytes(pid);
    const job = {
      ...effort,
      measureMs: effort.measureMs * 5,
      url,
      eventId,
      seatIds,
      sockets: Math.max(readers, Math.ceil(socketsAtScale * effort.scale)),
      changesPerSecond,
    };
    await using viewers = startPart('live-viewers', job, folder);
    const measuring = measureLoad(rig, viewers, [pid]);
    await viewers.told('measuring');
    const rss = setInterval(() => void sampleRss(), 500);
    let rssMb = 0;
    const sampleRss = async () => {
      rssMb = Math.max(rssMb, await residentMegabytes(pid));
    };
    try {
      const { result, cpu } = await measuring;
      return {
        perSecond: (result.answers['change'] ?? 0) / readers / result.seconds,
        p50Ms: result.p50Ms,
        p99Ms: result.p99Ms,
        // Of one core, by the second.
        serverMicros: cpu.server / result.seconds,
        loadMicros: result.loadMicros / result.seconds,
        rssHalfwayMb,
        rssMb,
      };
    } finally {
      clearInterval(rss);
    }
  },
};
