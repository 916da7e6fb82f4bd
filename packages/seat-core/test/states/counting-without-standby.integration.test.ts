import { createPrivateStack, waitFor, type PrivateStack } from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';
import { refusal } from '../fixtures/test-engine.ts';

let stack: PrivateStack;
let core: SeatCore;
let owner: pg.Client;
beforeAll(async () => {
  stack = await createPrivateStack();
  core = await openSeatCore({ databaseUrl: stack.serviceUrl, redisUrl: stack.redisUrl, queueRedisUrl: null });
  owner = new pg.Client({ connectionString: stack.databaseUrl });
  await owner.connect();
});
afterAll(async () => {
  await setStandbys('');
  await owner.end();
  await core.close();
  await stack.dispose();
});

async function setStandbys(names: string): Promise<void> {
  await owner.query(`alter system set synchronous_standby_names = '${names}'`);
  await owner.query('select pg_reload_conf()');
  const isSet = async () => {
    const { rows } = await owner.query<{ names: string }>(
      `select current_setting('synchronous_standby_names') as names`,
    );
    return rows[0]?.names === names;
  };
  await waitFor(isSet, { description: 'PostgreSQL to read its settings again' });
}

it('seats are counted while every commit waits for a standby that is away', async () => {
  const event = await core.createEvent({
    name: 'Recital',
    venue: 'Small Hall',
    startsAt: new Date(Date.now() + 86_400_000),
    sections: [{ name: 'Stalls', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 2 }] }],
  });
  const { seats } = await core.getSeatMap({ eventId: event.id });
  await core.holdSeats({ seatIds: [seats[0]!.id], userId: 'ani' });
  await owner.query('delete from seat_blocks');
  await setStandbys('away');
  const { code } = await refusal(core.holdSeats({ seatIds: [seats[1]!.id], userId: 'budi' }));
  expect(code).toBe('DEPENDENCY_UNAVAILABLE');
  // Both write: they make the blocks again, and advance the counts.
  const { seatCounts } = await waitFor(() => core.getEvent({ eventId: event.id }), {
    description: 'the circuit to close behind the commit that got no answer',
  });
  expect(seatCounts).toEqual({ available: 1, reserved: 1, sold: 0 });
  const countedAt = async () => (await owner.query<{ at: Date }>('select at from seat_counting')).rows[0]!.at;
  const before = await countedAt();
  await core.countSeats();
  expect((await countedAt()).getTime()).toBeGreaterThan(before.getTime());
});
