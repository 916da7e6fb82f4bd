import type { Cluster } from '../cluster/cluster.ts';
import { runSeed, type SeedReport } from '../run-seed.ts';
import { usualProfile } from '../workload/profile.ts';
import type { Variant } from './variant.ts';

export interface Catch {
  readonly variant: Variant;
  /** The first seed on which a check found it; null when none of them did. */
  readonly seed: number | null;
  /** The checks that found something, those that the variant names and others. */
  readonly checks: readonly string[];
}

/** Runs seed after seed of a known-bad engine until one of its checks finds it. */
export async function catchVariant(cluster: Cluster, variant: Variant, seeds: number): Promise<Catch> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { findings } = await runSeed(cluster, profileOf(variant), seed, variant.seconds, {
      isHasty: true,
    });
    const checks = [...new Set(findings.map(({ check }) => check))];
    if (checks.some((check) => variant.caughtBy.includes(check))) return { variant, seed, checks };
  }
  return { variant, seed: null, checks: [] };
}

/** The same seeds on the engine as it is. @returns what was found, which should be nothing */
export async function runControl(cluster: Cluster, variant: Variant, seeds: number): Promise<SeedReport[]> {
  const reports: SeedReport[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    reports.push(await runSeed(cluster, profileOf(variant), seed, variant.seconds));
  }
  return reports;
}

function profileOf({ profile }: Variant) {
  return { ...usualProfile, ...profile };
}
