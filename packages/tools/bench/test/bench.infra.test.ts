import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figures } from '../src/figures/figures.ts';
import { openHall } from '../src/rig/hall.ts';
import { startRig, type Rig } from '../src/rig/rig.ts';
import { withDatabase } from '../src/rig/stores.ts';
import { planTurns, runTurns } from '../src/run-turns.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const effort = { warmUpMs: 500, measureMs: 1_000, scale: 0.01 };

describe('a round of the bench', () => {
  it('measures bookings and the same transaction straight on the database', async () => {
    const chosen = figures.filter(({ name }) => ['booking', 'statement'].includes(name));
    const samples = await runTurns(rig, planTurns(chosen, 1), effort, () => undefined);
    for (const [, [sample]] of samples) {
      expect(sample?.perSecond).toBeGreaterThan(0);
      expect(sample?.p99Ms).toBeGreaterThan(0);
      expect(sample?.postgresMicros).toBeGreaterThanOrEqual(0);
    }
  });

  it('follows the changes of a hall on live connections', async () => {
    const chosen = figures.filter(({ name }) => name === 'live');
    const samples = await runTurns(rig, planTurns(chosen, 1), effort, () => undefined);
    const [sample] = samples.get('live') ?? [];
    expect(sample?.perSecond).toBeGreaterThan(0);
    expect(sample?.p99Ms).toBeGreaterThan(0);
    expect(sample?.rssMb).toBeGreaterThan(0);
  });

  it('counts for nothing when the audit finds anything', async () => {
    const broken = {
      name: 'broken',
      title: 'a seat that is reserved for nobody',
      measure: async () => {
        const { url } = await rig.service('booking-api');
        await openHall(url, rig.stack.databaseUrl, 1);
        await withDatabase(rig.stack.databaseUrl, (client) =>
          client.query(`update seats set status = 'RESERVED', version = 1`),
        );
        return {};
      },
    };
    await expect(runTurns(rig, planTurns([broken], 1), effort, () => undefined)).rejects.toThrow(
      'Nothing of this run counts',
    );
  });
});
