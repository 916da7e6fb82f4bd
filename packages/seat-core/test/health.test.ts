import { expect, it } from 'vitest';
import { Health, type HealthDependencies } from '../src/health.ts';
import { createMetrics } from '../src/metrics.ts';

/** Health that has measured this offset of the clock of Redis from PostgreSQL's. */
async function healthAt(offsetSeconds: number): Promise<Health> {
  const now = 1_800_000_000;
  const redis = {
    isOpen: false,
    client: { connection: { time: async () => [now + offsetSeconds, 0] } },
  };
  const health = new Health({
    redis,
    lanes: { sales: { rows: async () => [{ now }] }, commits: { isClosed: false } },
    reads: { isReplicaDown: false },
    queue: null,
    channelRefusal: () => undefined,
    metrics: createMetrics(),
  } as unknown as HealthDependencies);
  await health.measureClockOffset();
  return health;
}

it.each([
  [3.21, 'The clock of Redis is 3.2 s ahead of PostgreSQL’s: status keys end that much too early.'],
  [-600, 'The clock of Redis is 600.0 s behind PostgreSQL’s: status keys end that much too late.'],
])('clocks with an offset of %s s are reported as misconfigured', async (offsetSeconds, detail) => {
  const health = await healthAt(offsetSeconds);
  expect(health.listDegraded()).toEqual([{ name: 'clock', status: 'misconfigured', detail }]);
});

it.each([0, 0.9, -0.9])('clocks with an offset of %s s are not reported', async (offsetSeconds) => {
  expect((await healthAt(offsetSeconds)).listDegraded()).toEqual([]);
});
