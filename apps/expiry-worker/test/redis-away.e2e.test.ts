import {
  createPrivateStack,
  startService,
  waitFor,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/dev-stack';
import { openDatabase, openSeatCore } from '@ticketing/seat-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

let stack: PrivateStack;
beforeAll(async () => {
  stack = await createPrivateStack();
});
afterAll(async () => stack.dispose());

it('shows its metrics, ends holds and leaves in time while Redis is frozen', async () => {
  const { databaseUrl, redisUrl } = stack;
  await using worker = await startService('expiry-worker', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
  });
  const core = await openSeatCore({ databaseUrl, redisUrl, holdSeconds: 1 });
  const database = openDatabase({ databaseUrl, poolMax: 1 });
  const price = { amount: 150_000, currency: 'IDR' };
  const event = await core.createEvent({
    name: 'Konser',
    venue: 'Istora',
    startsAt: new Date(Date.now() + 86_400_000),
    sections: [{ name: 'Tribun', price, rows: [{ name: 'A', seats: 2 }] }],
  });
  const { rows: seats } = await database.$client.query<{ id: string }>(
    'select id from seats where event_id = $1',
    [event.id],
  );
  const holdEnds = async (seatId: string) => {
    const { id } = await core.holdSeats({ seatIds: [seatId], userId: 'ani' });
    return async () => {
      await waitFor(
        async () => {
          const { rows } = await database.$client.query('select status from bookings where id = $1', [id]);
          return rows[0].status === 'EXPIRED';
        },
        { description: 'the hold to end' },
      );
      const { rows } = await database.$client.query(
        `select cause from booking_events where booking_id = $1 and to_status = 'EXPIRED'`,
        [id],
      );
      return rows[0].cause as string;
    };
  };
  const metrics = async () => (await fetch(`${worker.url}/metrics`)).text();

  const ends = await holdEnds(seats[0]!.id);
  await stack.redis.freeze();
  const frozen = await withinDeadline('metrics while Redis is frozen', 2_000, metrics);
  expect(frozen).toContain('# TYPE queue_jobs gauge');
  expect(frozen).not.toMatch(/^queue_jobs\{/m);
  expect(await ends()).toBe('sweep');

  await stack.redis.thaw();
  await waitFor(async () => (await metrics()).includes('queue_jobs{state="failed"} 0'), {
    description: 'the queue to be counted again',
  });
  expect(['job', 'sweep']).toContain(await (await holdEnds(seats[1]!.id))());

  await stack.redis.freeze();
  const exit = await withinDeadline('leaving while Redis is frozen', 5_000, () => worker.stop());
  expect(exit).toEqual({ code: 0, signal: null });
  await stack.redis.thaw();
  await core[Symbol.asyncDispose]();
  await database.$client.end();
});
