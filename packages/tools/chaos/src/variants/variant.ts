import type { ClusterSettings } from '../cluster/cluster.ts';
import type { Profile } from '../workload/profile.ts';

/** A known-bad engine: the built one with a mistake in it, and the load that brings the mistake out. */
export interface Variant {
  readonly name: string;
  /** What is wrong with it, as somebody might have written it in good faith. */
  readonly mistake: string;
  /** The checks of which at least one must find it. */
  readonly caughtBy: readonly string[];
  readonly edits: readonly VariantEdit[];
  /** Guards of the database that would else refuse the mistake. */
  readonly sql?: readonly string[];
  readonly settings?: Partial<Omit<ClusterSettings, 'sql' | 'nodeFlags'>>;
  readonly profile: Partial<Profile>;
  readonly seconds: number;
}

/** A text that stands in a built file exactly once, and what stands there instead. */
export interface VariantEdit {
  /** From the root of the repository, such as "packages/seat-core/dist/commit-holds.js". */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
