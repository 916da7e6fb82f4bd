import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startLoops } from '../../src/expiry/worker.ts';
import { silentLogger } from '../../src/options.ts';

it('sweep and purge go on without a pause while a round was full', async () => {
  const expired = [500, 500, 3];
  let sweeps = 0;
  const purged = [1_000, 1_000, 1_000, 0];
  let purges = 0;
  const loops = startLoops(
    {
      expireBookings: () => Promise.resolve({ expired: 0, nextDueInMs: null }),
      sweepOverdue: () => Promise.resolve(expired[sweeps++] ?? 0),
      repairCache: () => Promise.resolve(0),
      countSeats: () => Promise.resolve(0),
      measureClockOffset: () => Promise.resolve(0),
      purgeIdempotencyKeys: () => Promise.resolve(purged[purges++] ?? 0),
    },
    silentLogger,
  );
  await delay(100);
  await loops.stop();
  expect(sweeps).toBe(3);
  expect(purges).toBe(4);
});
