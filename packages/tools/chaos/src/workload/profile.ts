import { faultKinds, type FaultProfile } from '../faults/fault-plan.ts';

/** What a run does to the engine; everything else comes from the seed. Shares are from 0 to 1. */
export interface Profile extends FaultProfile {
  readonly clients: number;
  readonly seats: number;
  /** The share of holds that want some of the first `hotSeats` unsold seats. */
  readonly hotShare: number;
  readonly hotSeats: number;
  readonly seatsPerHold: number;
  /** The longest pause of a client between two requests. */
  readonly thinkMs: number;
  /** How soon a client repeats a request. */
  readonly retryAfterMs: readonly [number, number];
  /** What a client does with a hold; it forgets the rest. */
  readonly confirmShare: number;
  readonly releaseShare: number;
  /** How often a client confirms an overdue hold that it had forgotten, instead of asking for seats. */
  readonly lateConfirmShare: number;
  /** How often a client sends a request twice at the same time, to two processes. */
  readonly duplicateShare: number;
  /** How often a client asks for many single seats at once, against the cap. */
  readonly hoardShare: number;
  /** Other programs that take seat locks for themselves. */
  readonly neighbours: number;
}

export const usualProfile: Profile = {
  clients: 12,
  seats: 600,
  hotShare: 0.6,
  hotSeats: 16,
  seatsPerHold: 3,
  thinkMs: 25,
  retryAfterMs: [10, 150],
  confirmShare: 0.3,
  releaseShare: 0.3,
  lateConfirmShare: 0.05,
  duplicateShare: 0.1,
  hoardShare: 0.02,
  neighbours: 1,
  faults: faultKinds,
  faultKinds: 6,
  faultEveryMs: [200, 1_200],
};
