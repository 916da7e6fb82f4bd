import type { Random } from '../random.ts';
import type { Profile } from '../workload/profile.ts';

/** What can be done to the engine while it works. */
export type FaultKind =
  | 'kill'
  | 'freeze'
  | 'flush-redis'
  | 'restart-redis'
  | 'freeze-redis'
  | 'slow-redis'
  | 'cut-redis'
  | 'silence-redis'
  | 'restart-postgres'
  | 'freeze-postgres'
  | 'slow-postgres'
  | 'cut-postgres'
  | 'silence-postgres'
  | 'deafen-postgres'
  | 'repeat-jobs';

export interface Fault {
  /** From the beginning of the run. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly forMs: number;
  /** Chooses among the processes, or what else there is to choose from. */
  readonly choice: number;
}

/** How long each kind lasts: some shorter than the engine's budgets, some longer. */
const durations: Readonly<Record<FaultKind, readonly [number, number]>> = {
  kill: [50, 800],
  // Up to longer than a lock lives: whoever wakes up finds that the world went on.
  freeze: [200, 4_000],
  'flush-redis': [0, 0],
  'restart-redis': [50, 1_500],
  'freeze-redis': [100, 1_500],
  'slow-redis': [300, 1_500],
  'cut-redis': [0, 0],
  'silence-redis': [200, 1_500],
  'restart-postgres': [50, 500],
  'freeze-postgres': [100, 1_500],
  'slow-postgres': [300, 1_500],
  'cut-postgres': [0, 0],
  'silence-postgres': [100, 1_500],
  'deafen-postgres': [100, 600],
  'repeat-jobs': [0, 0],
};

/**
 * The faults of one run, from the seed alone. Each run has some kinds and not the others, so that a fault
 * that hides what another one shows does not hide it always.
 */
export function planFaults(random: Random, profile: Profile, seconds: number): Fault[] {
  const kinds = new Set<FaultKind>();
  while (kinds.size < Math.min(profile.faultKinds, profile.faults.length))
    kinds.add(random.pick(profile.faults));
  const plan: Fault[] = [];
  const [shortest, longest] = profile.faultEveryMs;
  for (let atMs = random.between(shortest, longest); atMs < seconds * 1_000 && kinds.size > 0;) {
    const kind = random.pick([...kinds]);
    const [from, to] = durations[kind];
    plan.push({ atMs, kind, forMs: random.between(from, to), choice: random.between(0, 1_000) });
    atMs += random.between(shortest, longest);
  }
  return plan;
}
