import type { Sample } from '../figures/sample.ts';
import type { Rounds } from './goals.ts';

/** A run of the bench, as it is kept. */
export interface BenchReport {
  readonly measuredAt: string;
  /** Of the engine that was measured; null outside a clone. */
  readonly commit: string | null;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly figures: Readonly<Record<string, { readonly title: string; readonly samples: readonly Sample[] }>>;
}

export function roundsOf({ figures }: BenchReport): Rounds {
  return new Map(Object.entries(figures).map(([name, { samples }]) => [name, samples]));
}

/** Of each value as many digits as it can bear. */
export function withFewDigits(sample: Sample): Sample {
  return Object.fromEntries(
    Object.entries(sample)
      .filter(([, value]) => Number.isFinite(value))
      .map(([measure, value]) => [measure, Number(value.toPrecision(4))]),
  );
}
