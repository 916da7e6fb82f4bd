import type { FaultKind } from '../faults/fault-plan.ts';

/** What a run does to the engine; everything else comes from the seed. */
export interface Profile {
  readonly clients: number;
  readonly seats: number;
  /** How many of the seats that are not sold yet most clients fight for, and how often they do. */
  readonly hotSeats: number;
  readonly hotShare: number;
  readonly seatsPerHold: number;
  /** The longest a client waits between two requests. */
  readonly thinkMs: number;
  /** Whether requests carry an Idempotency-Key, and are sent again with it. */
  readonly keys: boolean;
  /** How soon a request is sent again. */
  readonly retryAfterMs: readonly [number, number];
  /** What becomes of a hold; the rest is forgotten by its buyer. */
  readonly confirmShare: number;
  readonly releaseShare: number;
  /** How often a client confirms what it forgot long ago, instead of asking for seats. */
  readonly lateConfirmShare: number;
  /** How often a confirmation or hold is sent twice at the same time, to two processes. */
  readonly twinShare: number;
  /** How often a client asks for many single seats at once, against the cap. */
  readonly hoardShare: number;
  /** Another program that takes locks of seats for itself, as the contract lets neighbours do. */
  readonly neighbours: number;
  readonly faults: readonly FaultKind[];
  /** How many of these kinds one seed has. */
  readonly faultKinds: number;
  readonly faultEveryMs: readonly [number, number];
}

export const usualProfile: Profile = {
  clients: 12,
  seats: 600,
  hotSeats: 16,
  hotShare: 0.6,
  seatsPerHold: 3,
  thinkMs: 25,
  keys: true,
  retryAfterMs: [10, 150],
  confirmShare: 0.3,
  releaseShare: 0.3,
  lateConfirmShare: 0.05,
  twinShare: 0.1,
  hoardShare: 0.02,
  neighbours: 1,
  faults: [
    'kill',
    'freeze',
    'flush-redis',
    'restart-redis',
    'freeze-redis',
    'slow-redis',
    'cut-redis',
    'silence-redis',
    'restart-postgres',
    'freeze-postgres',
    'slow-postgres',
    'cut-postgres',
    'silence-postgres',
    'deafen-postgres',
    'repeat-jobs',
  ],
  faultKinds: 6,
  faultEveryMs: [200, 1_200],
};
