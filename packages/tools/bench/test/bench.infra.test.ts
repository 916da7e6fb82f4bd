import { afterAll, beforeAll, expect, it } from 'vitest';
import { figures } from '../src/figures/figures.ts';
import { createEvent } from '../src/rig/event.ts';
import { startRig, type Rig } from '../src/rig/rig.ts';
import { withDatabase } from '../src/rig/stores.ts';
import { planTurns, runTurns } from '../src/run-turns.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
}, 180_000);
afterAll(() => rig[Symbol.asyncDispose]());

const effort = { warmUpMs: 500, measureMs: 1_000, scale: 0.01 };

async function measureOne(name: string) {
  const chosen = figures.filter((figure) => figure.name === name);
  const [sample = {}] = (await runTurns(rig, planTurns(chosen, 1), effort)).get(name) ?? [];
  return sample;
}

it.each(['booking', 'statement', 'steps', 'limited-steps'])(
  'the bench measures the figure "%s"',
  async (name) => {
    const { perSecond, p99Ms, postgresMicros } = await measureOne(name);
    expect(perSecond).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThan(0);
    expect(postgresMicros).toBeGreaterThanOrEqual(0);
  },
);

it('the bench measures the hold statement of today and of 29 November in commits of the same size', async () => {
  const sample = await measureOne('backend-cpu');
  expect(sample).toMatchObject({ batch1: 1, batch8: 8, batch32: 32 });
  expect(sample.micros32).toBeGreaterThan(0);
  expect(sample.micros32Of29November).toBeGreaterThan(0);
});

it('the bench measures refusals of a sold seat, and each request is refused', async () => {
  const { perSecond, unexpected } = await measureOne('refusal-sold');
  expect(perSecond).toBeGreaterThan(0);
  expect(unexpected).toBe(0);
});

it('the bench follows the changes of an event on live connections', async () => {
  const { perSecond, p99Ms, rssMb } = await measureOne('live');
  expect(perSecond).toBeGreaterThan(0);
  expect(p99Ms).toBeGreaterThan(0);
  expect(rssMb).toBeGreaterThan(0);
});

it('a run of the bench does not count when the audit finds a violation', async () => {
  const broken = {
    name: 'broken',
    title: 'a reserved seat without a booking',
    measure: async () => {
      const { databaseUrl } = rig.stack;
      await createEvent(rig.bookingApi.url, databaseUrl, 1);
      await withDatabase(databaseUrl, (client) =>
        client.query(`update seats set status = 'RESERVED', version = 1`),
      );
      return {};
    },
  };
  await expect(runTurns(rig, planTurns([broken], 1), effort)).rejects.toThrow('Nothing of this run counts');
});
