import { auditViolations } from '@ticketing/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { now } from '../src/clock.ts';
import { startCluster, type Cluster } from '../src/cluster/cluster.ts';
import { isOverdue, openWorld } from '../src/model/world.ts';
import { withDatabase } from '../src/cluster/stores.ts';
import { openHall } from '../src/workload/hall.ts';
import { usualProfile } from '../src/workload/profile.ts';
import { effort } from './effort.ts';
import { someCommands, type Model } from './model-commands.ts';

const seats = 6;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    holdSeconds: 1,
    each: { 'booking-api': 2, 'payment-api': 1, 'expiry-worker': 1 },
  });
}, effort.timeoutMs);
afterAll(() => cluster[Symbol.asyncDispose]());

/** The engine's own tables, once every deadline that has passed was noticed. */
async function expectSameWorld({ world, startedAt }: Model, seatIds: readonly string[]): Promise<void> {
  const rows = await withDatabase(cluster.databaseUrl, async (client) => {
    const bookings = await client.query<{ id: string; status: string }>(
      `select distinct b.id, b.status from bookings b join booking_seats l on l.booking_id = b.id
       where l.seat_id = any($1)`,
      [seatIds],
    );
    return bookings.rows;
  });
  const present = { ...world, now: now() - startedAt };
  const expected = Object.fromEntries(
    Object.entries(world.bookings).map(([id, booking]) => [
      id,
      isOverdue(present, booking) ? 'over' : booking.status,
    ]),
  );
  const found = Object.fromEntries(
    rows.map(({ id, status }) => {
      const isOver = expected[id] === 'over' && (status === 'PENDING' || status === 'EXPIRED');
      return [id, isOver ? 'over' : status];
    }),
  );
  expect(found).toEqual(expected);
}

describe('any story of commands on the real stack', () => {
  it(
    'goes as the model says',
    async () => {
      let commands = 0;
      await fc.assert(
        fc.asyncProperty(someCommands(seats, effort.commands), async (story) => {
          const { seatIds } = await openHall(cluster.membersOf('booking-api')[0]!.url, seats);
          const model: Model = { world: openWorld(seatIds, 1_000), startedAt: now(), holds: [] };
          const real = { cluster, seatIds, hasKeys: usualProfile.keys };
          await fc.asyncModelRun(() => ({ model, real }), story);
          commands += [...story].length;
          await expectSameWorld(model, seatIds);
          expect(await auditViolations(cluster.databaseUrl)).toEqual([]);
        }),
        { numRuns: effort.stories, seed: 1, endOnFailure: true },
      );
      console.log(`model-based: ${effort.stories} stories, ${commands} commands`);
      expect(commands).toBeGreaterThan(effort.stories);
    },
    effort.timeoutMs,
  );
});
