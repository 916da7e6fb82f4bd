import { startCluster, type Cluster } from '../cluster/cluster.ts';
import type { Finding } from '../history.ts';
import { runSeed } from '../run-seed.ts';
import { usualProfile } from '../workload/profile.ts';
import type { Variant } from './variant.ts';

/** The built file, also when this module runs from its source. */
const loader = new URL('../../dist/variants/load-variant.js', import.meta.url).href;

/** Two processes that sell seats, so that their requests meet; one of the others: a smaller cluster starts faster. */
const each = { 'booking-api': 2, 'payment-api': 1, 'expiry-worker': 1 };

/** Starts a known-bad engine. */
export async function startVariant(variant: Variant, folder?: string): Promise<Cluster> {
  return startCluster({
    each,
    ...variant.settings,
    ...(folder === undefined ? {} : { folder }),
    sql: variant.sql ?? [],
    nodeFlags: [`--import=${loader}`],
    env: { CHAOS_VARIANT: variant.name },
  });
}

/** Starts the engine as it is, with the settings of the variant. */
export async function startControl({ settings }: Variant): Promise<Cluster> {
  return startCluster({ each, ...settings });
}

export interface Catch {
  /** The first seed on which a check of the variant found it; null when none did. */
  readonly seed: number | null;
  /** Every check that found something on that seed. */
  readonly checks: readonly string[];
}

/** Runs seed after seed of a known-bad engine until one of its checks finds it. */
export async function catchVariant(cluster: Cluster, variant: Variant, seeds: number): Promise<Catch> {
  const profile = { ...usualProfile, ...variant.profile };
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { findings } = await runSeed(cluster, profile, seed, variant.seconds, { isHasty: true });
    const checks = [...new Set(findings.map(({ check }) => check))];
    if (checks.some((check) => variant.caughtBy.includes(check))) return { seed, checks };
  }
  return { seed: null, checks: [] };
}

/** Runs the same seeds on the engine as it is. @returns what the checks found, which should be nothing */
export async function runControl(cluster: Cluster, variant: Variant, seeds: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const report = await runSeed(cluster, { ...usualProfile, ...variant.profile }, seed, variant.seconds);
    findings.push(...report.findings);
  }
  return findings;
}
