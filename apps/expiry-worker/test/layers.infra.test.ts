import {
  auditViolations,
  createTestStack,
  deadlineFactor,
  makeEvent,
  startService,
  waitFor,
  withinDeadline,
  type TestStack,
} from '@ticketing/testkit';
import { anyone, openSeatCore, SeatCoreError, type SeatCore } from '@ticketing/seat-core';
import { createExpiryQueue, openDatabase, openQueueRedis, type Database } from '@ticketing/seat-core/clients';
import { afterEach, beforeEach, expect, it } from 'vitest';

const holdSeconds = 2;
const apiSettings = { HOLD_SECONDS: String(holdSeconds), RATE_LIMIT_MAX: '0' };
const tenMinutesMs = 600_000;
/** The most that a hold may end late while a worker runs. */
const latestMs = 2_000;

let stack: TestStack;
let database: Database;
let core: SeatCore;
let urls: { DATABASE_URL: string; REDIS_URL: string };
let seatIds: readonly string[];

beforeEach(async () => {
  stack = await createTestStack();
  urls = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl };
  database = openDatabase({ databaseUrl: stack.databaseUrl, poolMax: 2 });
  core = await openSeatCore({ ...stack, databaseUrl: stack.serviceUrl, holdSeconds });
  ({ seatIds } = await makeEvent(core, { seats: 6 }));
});
afterEach(async () => {
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
  await core.close();
  await database.$client.end();
  await stack.dispose();
});

/** The environment of a process whose clock is wrong. */
function shifted(shiftMs: number): Record<string, string> {
  const shim = new URL('./fixtures/shift-clock.mjs', import.meta.url).href;
  return { NODE_OPTIONS: `--import ${shim}`, CLOCK_SHIFT_MS: String(shiftMs) };
}

/** Waits for the holds to expire. @returns how late each was, and its cause, as the database recorded them */
async function ends(bookingIds: readonly string[]): Promise<{ cause: string; late_ms: number }[]> {
  return withinDeadline('the holds expire', holdSeconds * 1_000 + latestMs, async () =>
    waitFor(
      async () => {
        const { rows } = await database.$client.query<{ cause: string; late_ms: number }>(
          `select event.cause, (extract(epoch from event.at - booking.expires_at) * 1000)::float8 as late_ms
           from booking_events event
           join bookings booking on booking.event_id = event.event_id and booking.id = event.booking_id
           where event.booking_id = any($1) and event.to_status = 'EXPIRED'`,
          [bookingIds],
        );
        return rows.length === bookingIds.length ? rows : undefined;
      },
      { description: 'the holds to expire' },
    ),
  );
}

function expectOnTime(ended: readonly { late_ms: number }[]): void {
  console.log(`late by ${ended.map(({ late_ms: ms }) => ms.toFixed(0)).join(', ')} ms`);
  const late = ended.map(({ late_ms: ms }) => ms);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThan(latestMs * deadlineFactor());
}

/** On a busy machine a hold may be refused as retryable: then it is sent again, as clients do. */
async function served<T>(send: () => Promise<T | undefined>): Promise<T> {
  return waitFor(
    async () =>
      send().catch((error: unknown) => {
        if (error instanceof SeatCoreError && error.retryable) return undefined;
        throw error;
      }),
    { description: 'the hold to be served' },
  );
}

async function holdFour(): Promise<string[]> {
  const ids: string[] = [];
  for (const seatId of seatIds.slice(0, 4)) {
    ids.push(
      await served(async () => (await core.holdSeats({ seatIds: [seatId], userId: `user-${seatId}` })).id),
    );
  }
  return ids;
}

async function holdOverHttp(url: string, seatId: string, userId: string) {
  const answer = await fetch(`${url}/api/v1/booking`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seatId, userId }),
  });
  const body = (await answer.json()) as { id: string; code?: string; expiresAt: string };
  return { ...body, httpStatus: answer.status };
}

it.each([
  ['ten minutes ahead', tenMinutesMs],
  ['ten minutes behind', -tenMinutesMs],
])('a worker whose clock is %s expires no hold early and none late', async (_, shiftMs) => {
  await using worker = await startService('expiry-worker', { ...urls, ...shifted(shiftMs) });
  const held = await holdFour();
  const sold = await core.holdSeats({ seatIds: [seatIds[4]!], userId: 'ani' });
  await core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'till' });
  expectOnTime(await ends(held));
  expect((await core.getBooking({ bookingId: sold.id, ownedBy: anyone })).status).toBe('CONFIRMED');
  // The times in its log show that its clock is wrong by that much.
  const [first] = worker.logRecords();
  const skewMs = new Date(String(first?.['time'])).getTime() - Date.now();
  expect(Math.abs(skewMs - shiftMs)).toBeLessThan(60_000);
});

it.each([
  ['ten minutes ahead', tenMinutesMs],
  ['ten minutes behind', -tenMinutesMs],
])('holds made by an API whose clock is %s expire neither early nor late', async (_, shiftMs) => {
  await using api = await startService('booking-api', {
    ...urls,
    ...shifted(shiftMs),
    ...apiSettings,
  });
  await using worker = await startService('expiry-worker', urls);
  const made: string[] = [];
  for (const seatId of seatIds.slice(0, 4)) {
    made.push(
      await served(async () => {
        const { httpStatus, id } = await holdOverHttp(api.url, seatId, `user-${seatId}`);
        expect([201, 503]).toContain(httpStatus);
        return httpStatus === 201 ? id : undefined;
      }),
    );
  }
  expectOnTime(await ends(made));
  expect(worker.logRecords().length).toBeGreaterThan(0);
});

it('the sweep alone expires every hold on time when all jobs are lost', async () => {
  await using worker = await startService('expiry-worker', urls);
  const redis = await openQueueRedis({ redisUrl: stack.redisUrl });
  const queue = createExpiryQueue(redis);
  const held = await holdFour();
  await waitFor(
    async () => {
      await queue.drain(true);
      const { delayed, waiting } = await queue.getJobCounts('delayed', 'waiting');
      return delayed === 0 && waiting === 0;
    },
    { description: 'the jobs to be gone' },
  );
  const ended = await ends(held);
  expect(ended.map(({ cause }) => cause)).toEqual(['sweep', 'sweep', 'sweep', 'sweep']);
  expectOnTime(ended);
  // No other process sweeps here.
  expect(worker.logs()).toContain('listening');
  redis.disconnect();
});

it('the next buyer gets a seat at its deadline, not before, while no worker runs', async () => {
  await using api = await startService('booking-api', { ...urls, ...apiSettings });
  const first = await served(async () => {
    const answer = await holdOverHttp(api.url, seatIds[0]!, 'ani');
    return answer.httpStatus === 201 ? answer : undefined;
  });
  const second = await withinDeadline('the next buyer gets the seat', holdSeconds * 1_000 + 1_000, async () =>
    waitFor(
      async () => {
        const answer = await holdOverHttp(api.url, seatIds[0]!, 'budi');
        if (answer.httpStatus === 201) return answer;
        expect(['SEAT_TAKEN', 'SEAT_LOCKED', 'OVERLOADED']).toContain(answer.code);
        return undefined;
      },
      { description: 'the seat to be sold again' },
    ),
  );
  const [end] = await ends([first.id]);
  expect(end?.cause).toBe('reclaim');
  expectOnTime([end!]);
  expect((await core.getBooking({ bookingId: second.id, ownedBy: anyone })).status).toBe('PENDING');
});
