import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@ticketing/testkit';
import { bookingRequest, type LoadJob, type LoadRequest } from '../load/load-job.ts';
import { holdInBulk, scheduleInBulk } from '../rig/bulk-holds.ts';
import { startChild } from '../rig/child-process.ts';
import { createEvent, shuffle } from '../rig/event.ts';
import { vacuumTables, waitUntilIdle, withDatabase } from '../rig/stores.ts';
import type { Figure } from './figure.ts';
import { measureLoad, toSample } from './measure-load.ts';

const holdsAtScale = 20_000;
/** For the load before and the load meanwhile; if they run out before the holds end, that window ends with them. */
const seatsOnSaleAtScale = 45_000;
/** Time to insert the holds, to add their jobs and to measure the load before. */
const aheadMs = 17_000;
/** Longer than it takes; else the figure fails. */
const longestDrainMs = 60_000;

/** Many holds end at one instant; callers book seats of another event before and meanwhile. */
export const expiry: Figure = {
  name: 'expiry',
  title: '20,000 holds due at once; bookings meanwhile, 64 callers',
  measure: async (rig, { scale, ...times }) => {
    const { databaseUrl, redisUrl, folder } = rig.stack;
    const { url, pid } = rig.bookingApi;
    const held = await createEvent(url, databaseUrl, Math.ceil(holdsAtScale * scale));
    const onSale = await createEvent(url, databaseUrl, Math.ceil(seatsOnSaleAtScale * scale));
    const dueAt = new Date(Date.now() + aheadMs);
    const holds = await holdInBulk(databaseUrl, held.eventId, held.seatIds, dueAt);
    await scheduleInBulk(redisUrl, holds, dueAt);
    await vacuumTables(databaseUrl);
    const requests = shuffle(onSale.seatIds).map(bookingRequest);
    const third = Math.floor(requests.length / 3);
    const startLoad = (some: readonly LoadRequest[], measureMs: number) => {
      const script = { kind: 'each-once', requests: some } as const;
      const job: LoadJob = { ...times, measureMs, url, callers: 64, script };
      return startChild('load-generator', job, folder);
    };

    await using before = startLoad(requests.slice(0, third), times.measureMs);
    const quiet = await measureLoad(rig, before, [pid]);
    const untilDueMs = dueAt.getTime() - Date.now() - times.warmUpMs;
    if (untilDueMs < 0) throw new Error('the holds were due before the load without them was measured');
    await delay(untilDueMs);
    await using meanwhile = startLoad(requests.slice(third), longestDrainMs);
    const measuring = measureLoad(rig, meanwhile, [pid, rig.expiryWorker.pid]);
    await meanwhile.message('measuring');
    await waitUntilDrained(databaseUrl, dueAt);
    meanwhile.end();
    const busy = await measuring;
    await waitUntilIdle(databaseUrl);
    return {
      ...toSample(busy, ['201']),
      p99BeforeMs: quiet.result.p99Ms,
      drainSeconds: await readDrainSeconds(databaseUrl, dueAt),
    };
  },
};

/** Waits until every hold has ended. */
async function waitUntilDrained(databaseUrl: string, dueAt: Date): Promise<void> {
  const text = `select from bookings where status = 'PENDING' and expires_at <= $1 limit 1`;
  await withDatabase(databaseUrl, (client) =>
    waitFor(async () => (await client.query(text, [dueAt])).rowCount === 0, {
      description: 'every hold to end',
      timeoutMs: longestDrainMs,
      intervalMs: 100,
    }),
  );
}

async function readDrainSeconds(databaseUrl: string, dueAt: Date): Promise<number> {
  const text = `select extract(epoch from max(at) - $1)::float8 as seconds from booking_events where to_status = 'EXPIRED'`;
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ seconds: number }>(text, [dueAt]),
  );
  return rows[0]!.seconds;
}
