import type { Random } from '../random.ts';

/** From and to in milliseconds, per kind of fault: some shorter than the time limits of the engine, some longer. */
const durations = {
  kill: [50, 800],
  // Up to longer than a lock lives: a process that wakes up finds that the others went on.
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
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

export type FaultKind = keyof typeof durations;

export const faultKinds = Object.keys(durations) as readonly FaultKind[];

/** Which faults a run has. */
export interface FaultProfile {
  readonly faults: readonly FaultKind[];
  /** How many of these kinds one seed has. */
  readonly faultKinds: number;
  readonly faultEveryMs: readonly [number, number];
}

export interface Fault {
  /** From the beginning of the run. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly forMs: number;
  /** Chooses among the processes, delays or bookings. */
  readonly choice: number;
}

/**
 * The faults of one run, from the seed alone. Each run has some kinds and not the others, so a fault that hides the
 * effect of another one does not hide it in every run.
 */
export function planFaults(random: Random, profile: FaultProfile, seconds: number): Fault[] {
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
