import { bookingRequest } from '../load/load-job.ts';
import { startChild } from '../rig/child-process.ts';
import { createEvent } from '../rig/event.ts';
import { readMegabytes } from '../rig/process-usage.ts';
import { countBookings } from '../rig/stores.ts';
import type { Figure } from './figure.ts';
import { costs, measureLoad, measureRequests, toSample } from './measure-load.ts';

/* Figures of a new process of booking-api, for its memory. */

const bookingsAtScale = 100_000;
const longestMs = 200_000;

/** The memory of the process after 100,000 bookings, and after as many again. */
export const memory: Figure = {
  name: 'memory',
  title: '200,000 bookings in one process',
  isLong: true,
  measure: async (rig, effort) => {
    const { databaseUrl } = rig.stack;
    await using service = await rig.startService('booking-api', databaseUrl);
    const { url, pid } = service;
    const times = { warmUpMs: 100, measureMs: longestMs };
    const book = async () => {
      const { seatIds } = await createEvent(url, databaseUrl, Math.ceil(bookingsAtScale * effort.scale));
      const script = { kind: 'each-once', requests: seatIds.map(bookingRequest) } as const;
      const measured = await measureRequests(rig, { url, pids: [pid], script }, times);
      return { measured, rssMb: await readMegabytes(pid, 'now') };
    };
    const { rssMb: rssHalfwayMb } = await book();
    const { measured, rssMb } = await book();
    const booked = await countBookings(databaseUrl, measured.result, 'bookings');
    return { ...toSample(measured, ['201'], booked), rssHalfwayMb, rssMb };
  },
};

const socketsAtScale = 5_000;
const readers = 20;

/** The time until one of 5,000 connections of the process reads a change, and the memory they need. */
export const live: Figure = {
  name: 'live',
  title: '500 changes a second, each sent to 5,000 live connections',
  isLong: true,
  measure: async (rig, effort) => {
    const { databaseUrl, folder } = rig.stack;
    await using service = await rig.startService('booking-api', databaseUrl);
    const { url, pid } = service;
    const event = await createEvent(url, databaseUrl, 10_000);
    const rssHalfwayMb = await readMegabytes(pid, 'now');
    const job = {
      warmUpMs: effort.warmUpMs,
      measureMs: effort.measureMs * 5,
      url,
      ...event,
      sockets: Math.max(readers, Math.ceil(socketsAtScale * effort.scale)),
      readers,
      changesPerSecond: 500,
    };
    await using subscribers = startChild('live-subscribers', job, folder);
    const measured = await measureLoad(rig, subscribers, [pid]);
    const { answers, seconds, p50Ms, p99Ms } = measured.result;
    // Made once, and read by every reader.
    const changes = (answers['change'] ?? 0) / readers;
    const perSecond = changes / seconds;
    const rssMb = await readMegabytes(pid, 'largest');
    return { perSecond, p50Ms, p99Ms, ...costs(measured, changes), rssHalfwayMb, rssMb };
  },
};
