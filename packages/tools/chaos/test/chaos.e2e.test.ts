import { afterAll, beforeAll, expect, it } from 'vitest';
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

it.each(Array.from({ length: effort.seeds }, (_, index) => index + 1))(
  'two of each service keep every promise to every client under load and faults, seed %i',
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
