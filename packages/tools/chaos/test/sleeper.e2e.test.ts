import { readFile } from 'node:fs/promises';
import {
  auditViolations,
  createTestStack,
  startService,
  waitFor,
  type RunningService,
  type TestStack,
} from '@ticketing/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withDatabase, withRedis } from '../src/cluster/stores.ts';
import { openHall } from '../src/workload/hall.ts';

/* Two processes that fall asleep (SIGSTOP) at a point of their own each, with the lock of one seat, one after the other. */

let stack: TestStack;
/** Before its statement. */
let sleeper: RunningService;
/** When its hold is committed and told to Redis, and the lock not yet given back. */
let next: RunningService;

beforeAll(async () => {
  stack = await createTestStack();
  const start = (env: Record<string, string>) =>
    startService(
      'booking-api',
      {
        DATABASE_URL: stack.serviceUrl,
        REDIS_URL: stack.redisUrl,
        RATE_LIMIT_MAX: '0',
        FAILPOINT_SIGNAL: 'SIGSTOP',
        ...env,
      },
      { nodeFlags: ['--conditions=failpoints'] },
    );
  [sleeper, next] = await Promise.all([
    start({ FAILPOINT: 'hold-locked', SEAT_LOCK_SECONDS: '3' }),
    start({ FAILPOINT: 'hold-announced', SEAT_LOCK_SECONDS: '60' }),
  ]);
});
afterAll(async () => {
  await sleeper[Symbol.asyncDispose]();
  await next[Symbol.asyncDispose]();
  await stack.dispose();
});

async function hold(api: RunningService, seatId: string, userId: string) {
  const response = await fetch(`${api.url}/api/v1/booking`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seatId, userId }),
  });
  const body = (await response.json()) as { id?: string; code?: string; seatIds?: string[] };
  return { ...body, status: response.status };
}

/** As the kernel says: stopped, all of it. */
const toSleep = ({ pid }: RunningService, description: string) =>
  waitFor(async () => /^State:\s+T/m.test(await readFile(`/proc/${pid}/status`, 'utf8')), { description });

/** All that there is to know of a seat, in both stores. */
async function stateOf(seatId: string) {
  const redis = await withRedis(stack.redisUrl, async (client) => ({
    lock: await client.get(`lock:seat:${seatId}`),
    status: await client.get(`status:seat:${seatId}`),
  }));
  const { rows } = await withDatabase(stack.databaseUrl, (client) =>
    client.query<{ status: string; version: number; bookings: { id: string; userId: string }[] }>(
      `select seat.status, seat.version::int,
              (select json_agg(json_build_object('id', id, 'userId', user_id)) from bookings) as bookings
       from seats seat where seat.id = $1`,
      [seatId],
    ),
  );
  return { ...redis, row: rows[0]! };
}

it('who sleeps past the end of his lock is refused, and changes nothing of the next one’s', async () => {
  const { seatIds } = await openHall(next.url, 1);
  const seatId = seatIds[0]!;
  const asked = hold(sleeper, seatId, 'ani');
  await toSleep(sleeper, 'the first one to fall asleep');
  expect((await stateOf(seatId)).lock).toMatch(/^ani:/);
  await waitFor(async () => (await stateOf(seatId)).lock === null, { description: 'his lock to end' });

  const askedNext = hold(next, seatId, 'budi');
  await toSleep(next, 'the next one to fall asleep');
  const before = await stateOf(seatId);
  expect(before).toMatchObject({ status: 'RESERVED', row: { status: 'RESERVED', bookings: [{}] } });
  expect(before.lock).toMatch(/^budi:/);

  sleeper.signal('SIGCONT');
  expect(await asked).toMatchObject({ status: 400, code: 'SEAT_TAKEN', seatIds: [seatId] });
  expect(await stateOf(seatId)).toEqual(before);

  next.signal('SIGCONT');
  const booking = await askedNext;
  expect(booking.status).toBe(201);
  await waitFor(async () => (await stateOf(seatId)).lock === null, {
    description: 'the lock to be given back',
  });
  expect(await stateOf(seatId)).toEqual({
    ...before,
    lock: null,
    row: { ...before.row, bookings: [{ id: booking.id, userId: 'budi' }] },
  });
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
});
