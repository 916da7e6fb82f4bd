import { startCluster, type Cluster } from '../cluster/cluster.ts';
import type { Variant } from './variant.ts';

/** Of the build, also when this is run from its source. */
const loader = new URL('../../dist/variants/load-variant.js', import.meta.url).href;

/** Starts a known-bad engine. */
export async function startVariant(variant: Variant, folder?: string): Promise<Cluster> {
  return startCluster({
    ...settingsOf(variant, folder),
    sql: variant.sql ?? [],
    nodeFlags: [`--import=${loader}`],
    env: { ...variant.settings?.env, CHAOS_VARIANT: variant.name },
  });
}

/** The engine as it is, under what brings the variant's mistake out. */
export async function startControl(variant: Variant, folder?: string): Promise<Cluster> {
  return startCluster(settingsOf(variant, folder));
}

/** Two that sell seats, so that they can meet; of the others one, unless the variant says so: it starts faster. */
const each = { 'booking-api': 2, 'payment-api': 1, 'expiry-worker': 1 };

function settingsOf({ settings }: Variant, folder: string | undefined) {
  return { each, ...settings, ...(folder === undefined ? {} : { folder }) };
}
