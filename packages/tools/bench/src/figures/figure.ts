import type { LoadTimes } from '../load/load-meter.ts';
import type { Rig } from '../rig/rig.ts';
import type { Sample } from './sample.ts';

/** Something that is measured once per round, in turn with the others. */
export interface Figure {
  /** As `--only` takes it and the report keeps it. */
  readonly name: string;
  /** What is done, in a few words. */
  readonly title: string;
  /** Measured once, after all rounds: it takes a minute, and is in no ratio with another. */
  readonly isLong?: true;
  /** On stores that were just emptied. */
  readonly measure: (rig: Rig, effort: Effort) => Promise<Sample>;
  /** The database that it keeps from round to round, for the audit after the last one. */
  readonly keptDatabase?: (rig: Rig) => Promise<string>;
}

export interface Effort extends LoadTimes {
  /** How much of the full size is filled and made: 1, or a little for a run that only shows that all works. */
  readonly scale: number;
}
