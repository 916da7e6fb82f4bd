import type { LoadTimes } from '../load/load-meter.ts';
import type { Rig } from '../rig/rig.ts';

type BatchSize = 1 | 8 | 32;

/** Times in milliseconds, unless the name says otherwise; `…Micros` is CPU time per request. */
export type Measure =
  | 'perSecond'
  | 'p50Ms'
  | 'p99Ms'
  | 'serverMicros'
  | 'postgresMicros'
  | 'redisMicros'
  | 'loadMicros'
  | 'unexpected'
  | 'drainSeconds'
  | 'p99BeforeMs'
  /** CPU time of PostgreSQL per booking, in commits of this many bookings. */
  | `micros${BatchSize}`
  | `micros${BatchSize}Of29November`
  /** Bookings of a commit that was to have this many. */
  | `batch${BatchSize}`
  | 'rssHalfwayMb'
  | 'rssMb';

/** The values of one measurement. */
export type Sample = Readonly<Partial<Record<Measure, number>>>;

/** The measurements of each figure by its name, one per round. */
export type Rounds = ReadonlyMap<string, readonly Sample[]>;

export interface Effort extends LoadTimes {
  /** The share of the full size: 1, or little for a run that only shows that the bench works. */
  readonly scale: number;
}

/** A quantity that is measured once per round, in turn with the others. */
export interface Figure {
  /** As `--only` takes it and the report keeps it. */
  readonly name: string;
  readonly title: string;
  /** Measured once, after all rounds: it takes a minute, and is in no ratio with another. */
  readonly isLong?: true;
  /** Starts from empty stores. */
  readonly measure: (rig: Rig, effort: Effort) => Promise<Sample>;
  /** The database that it keeps from round to round, for the audit after the last one. */
  readonly keptDatabase?: (rig: Rig) => Promise<string>;
}
