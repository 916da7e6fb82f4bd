import type { ClusterSettings } from '../cluster/cluster.ts';
import type { Profile } from '../workload/profile.ts';
import type { Replacement } from './replacement.ts';

/** A known-bad engine: the built engine with one mistake, and the load that brings the mistake out. */
export interface Variant {
  readonly name: string;
  /** What the author of such an engine got wrong. */
  readonly mistake: string;
  /** At least one of these checks must find it. */
  readonly caughtBy: readonly string[];
  readonly replacements: readonly Replacement[];
  /** Removes the guards of the database that would refuse the mistake. */
  readonly sql?: readonly string[];
  readonly settings?: Partial<Omit<ClusterSettings, 'sql' | 'nodeFlags' | 'env'>>;
  readonly profile: Partial<Profile>;
  readonly seconds: number;
}
