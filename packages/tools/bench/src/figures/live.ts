import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { peakMegabytesDuring } from '../rig/peak-memory.ts';
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
  title: '500 changes a second, each told to 5,000 live connections',
  isLong: true,
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
    const { value, peakMb } = await peakMegabytesDuring(pid, measureLoad(rig, viewers, [pid]));
    const { result, cpu } = value;
    const changes = (result.answers['change'] ?? 0) / readers;
    return {
      perSecond: changes / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      // Of a change that is made, and told to everybody.
      serverMicros: cpu.server / changes,
      postgresMicros: cpu.postgres / changes,
      redisMicros: cpu.redis / changes,
      loadMicros: result.loadMicros / changes,
      rssHalfwayMb,
      rssMb: peakMb,
    };
  },
};
