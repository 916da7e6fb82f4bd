import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@ticketing/testkit';
import { startPart } from '../parts/start-part.ts';
import { openHall } from '../rig/hall.ts';
import { holdInBulk, scheduleInBulk } from '../rig/hold-in-bulk.ts';
import { shuffle } from '../rig/shuffle.ts';
import { settleTables, untilQuiet, withDatabase } from '../rig/stores.ts';
import { bookingOf } from './booking-requests.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const holdsAtScale = 20_000;
/** For the load before and meanwhile; should they be gone before the holds are, that window ends with them. */
const seatsOnSaleAtScale = 45_000;
/** Until the holds are there, their jobs are added and the load before them is measured. */
const aheadMs = 12_000;
/** Longer than it takes; else the figure fails. */
const longestDrainMs = 60_000;

/** Many holds end at one instant; seats of another event are booked before and meanwhile. */
export const expiry: Figure = {
  name: 'expiry',
  title: '20,000 holds due at once; bookings meanwhile, 64 callers',
  measure: async (rig, effort) => {
    const { databaseUrl, redisUrl, folder } = rig.stack;
    const { url, pid } = await rig.service('booking-api');
    const worker = await rig.service('expiry-worker');
    const held = await openHall(url, databaseUrl, Math.ceil(holdsAtScale * effort.scale));
    const onSale = await openHall(url, databaseUrl, Math.ceil(seatsOnSaleAtScale * effort.scale));
    const dueAt = new Date(Date.now() + aheadMs);
    const holds = await holdInBulk(databaseUrl, held.eventId, held.seatIds, dueAt);
    await scheduleInBulk(redisUrl, holds, dueAt);
    await settleTables(databaseUrl);
    const requests = shuffle(onSale.seatIds).map(bookingOf);
    const third = Math.floor(requests.length / 3);
    const jobOf = (part: typeof requests, times: object) => ({
      ...effort,
      ...times,
      url,
      callers: 64,
      script: { kind: 'each-once', requests: part },
    });

    await using before = startPart('load-generator', jobOf(requests.slice(0, third), {}), folder);
    const quiet = await measureLoad(rig, before, [pid]);
    const untilDueMs = dueAt.getTime() - Date.now() - effort.warmUpMs;
    if (untilDueMs < 0) throw new Error('the holds were due before the load without them was measured');
    await delay(untilDueMs);
    await using meanwhile = startPart(
      'load-generator',
      jobOf(requests.slice(third), { measureMs: longestDrainMs }),
      folder,
    );
    const measuring = measureLoad(rig, meanwhile, [pid, worker.pid]);
    await meanwhile.told('measuring');
    await untilDrained(databaseUrl, dueAt);
    meanwhile.end();
    const busy = await measuring;
    await untilQuiet(databaseUrl);
    return {
      ...toSample(busy, ['201']),
      p99BeforeMs: quiet.result.p99Ms,
      drainSeconds: await drainSeconds(databaseUrl, dueAt),
    };
  },
};

async function untilDrained(databaseUrl: string, dueAt: Date): Promise<void> {
  await withDatabase(databaseUrl, (client) =>
    waitFor(
      async () => {
        const { rowCount } = await client.query(
          `select from bookings where status = 'PENDING' and expires_at <= $1 limit 1`,
          [dueAt],
        );
        return rowCount === 0;
      },
      { description: 'every hold to end', timeoutMs: longestDrainMs, intervalMs: 100 },
    ),
  );
}

async function drainSeconds(databaseUrl: string, dueAt: Date): Promise<number> {
  return withDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ seconds: number }>(
      `select extract(epoch from max(at) - $1)::float8 as seconds from booking_events where to_status = 'EXPIRED'`,
      [dueAt],
    );
    return rows[0]!.seconds;
  });
}
