import { setTimeout as delay } from 'node:timers/promises';
import {
  auditViolations,
  createPrivateStack,
  deadlineFactor,
  makeEvent,
  startService,
  waitFor,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/testkit';
import { openSeatCore } from '@ticketing/seat-core';
import { openDatabase, openQueueRedis } from '@ticketing/seat-core/clients';
import { expect, it } from 'vitest';

const startWorker = ({ serviceUrl, redisUrl }: PrivateStack) =>
  startService('expiry-worker', { DATABASE_URL: serviceUrl, REDIS_URL: redisUrl });

/** An event whose seats are held one by one, and how the database recorded the end of a hold. */
async function openEvent(
  stack: PrivateStack,
  { seats, holdSeconds }: { seats: number; holdSeconds: number },
) {
  const { databaseUrl, serviceUrl, redisUrl } = stack;
  const core = await openSeatCore({ databaseUrl: serviceUrl, redisUrl, holdSeconds });
  const database = openDatabase({ databaseUrl, poolMax: 1 });
  const { seatIds } = await makeEvent(core, { seats });
  const free = [...seatIds];
  return {
    hold: async () => (await core.holdSeats({ seatIds: [free.pop()!], userId: 'ani' })).id,
    endOf: (bookingId: string) =>
      waitFor(
        async () => {
          const { rows: ends } = await database.$client.query<{ cause: string; late: number }>(
            `select event.cause, (extract(epoch from event.at - booking.expires_at) * 1000)::float8 as late
             from booking_events event join bookings booking on booking.id = event.booking_id
             where booking.id = $1 and event.to_status = 'EXPIRED'`,
            [bookingId],
          );
          return ends[0];
        },
        { description: 'the hold to end', timeoutMs: 10_000 },
      ),
    [Symbol.asyncDispose]: async () => {
      await core.close();
      await database.$client.end();
    },
  };
}

it('the worker shows its metrics, expires holds and stops in time while Redis is frozen', async () => {
  await using stack = await createPrivateStack();
  await using worker = await startWorker(stack);
  await using event = await openEvent(stack, { seats: 2, holdSeconds: 1 });
  const metrics = async () => (await fetch(`${worker.url}/metrics`)).text();

  const first = await event.hold();
  await stack.redis.freeze();
  const frozen = await withinDeadline('metrics while Redis is frozen', 2_000, metrics);
  expect(frozen).toContain('# TYPE queue_jobs gauge');
  expect(frozen).not.toMatch(/^queue_jobs\{/m);
  expect((await event.endOf(first)).cause).toBe('sweep');

  await stack.redis.thaw();
  await waitFor(async () => (await metrics()).includes('queue_jobs{state="failed"} 0'), {
    description: 'the queue to be counted again',
  });
  expect(['job', 'sweep']).toContain((await event.endOf(await event.hold())).cause);

  await stack.redis.freeze();
  const exit = await withinDeadline('stopping while Redis is frozen', 5_000, () => worker.stop());
  expect(exit).toEqual({ code: 0, signal: null });
  await stack.redis.thaw();
});

it('the worker expires holds by the jobs that a killed Redis with its data has when it is started again', async () => {
  await using stack = await createPrivateStack({ persistentRedis: true });
  await using worker = await startWorker(stack);
  await using event = await openEvent(stack, { seats: 8, holdSeconds: 6 });
  const held: string[] = [];
  // Over two seconds: the worker waits up to a second too long for its first job after the restart, and the sweep comes
  // first then. The jobs of later holds run on time.
  while (held.length < 8) {
    held.push(await event.hold());
    await delay(250);
  }
  const countJobs = async () => {
    const redis = await openQueueRedis({ redisUrl: stack.redisUrl });
    try {
      return await redis.exists(held.map((id) => `{bull}:ticket-cleanup:b-${id}`));
    } finally {
      redis.disconnect();
    }
  };
  expect(await countJobs()).toBe(8);

  await stack.redis.kill();
  await stack.redis.start();
  // No job is added a second time.
  expect(await countJobs()).toBe(8);
  const ends = await Promise.all(held.map(event.endOf));
  for (const { late } of ends) {
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(2_000 * deadlineFactor());
  }
  // The sweep runs once a second, and may come first for the holds that end at that moment.
  expect(ends.map(({ cause }) => cause)).toContain('job');
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
});
