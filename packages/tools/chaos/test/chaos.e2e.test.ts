import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/cluster/cluster.ts';
import { replayCommand } from '../src/commands/chaos-arguments.ts';
import { runSeed } from '../src/run-seed.ts';
import { usualProfile } from '../src/workload/profile.ts';
import { effort } from './effort.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({});
}, effort.timeoutMs);
afterAll(() => cluster[Symbol.asyncDispose]());

const seeds = Array.from({ length: effort.seeds }, (_, index) => index + 1);

describe('two of each service under load and faults', () => {
  it.each(seeds)(
    'keep every promise to every client, seed %i',
    async (seed) => {
      const { findings, ...report } = await runSeed(cluster, usualProfile, seed, effort.seconds);
      console.log(JSON.stringify(report));
      const replay = replayCommand(seed, effort.seconds, undefined);
      expect({ replay, findings }).toEqual({ replay, findings: [] });
      expect(report.acknowledged).toBeGreaterThan(0);
      expect(report.faults).toBeGreaterThan(0);
    },
    effort.timeoutMs,
  );
});
