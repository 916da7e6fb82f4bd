import { auditViolations } from '@ticketing/dev-stack';
import type { Effort, Figure } from './figures/figure.ts';
import type { Sample } from './figures/sample.ts';
import type { Rig } from './rig/rig.ts';
import { emptyStores } from './rig/stores.ts';

export interface Progress {
  readonly round: number;
  readonly figure: Figure;
  readonly sample: Sample;
}

/**
 * Measures all figures in turns, so that what the machine does meanwhile falls on all of them alike. After each the
 * tables must be in order.
 *
 * @throws when the audit finds anything: a rate that broke a promise does not count
 */
export async function runRounds(
  rig: Rig,
  figures: readonly Figure[],
  { rounds, effort }: { readonly rounds: number; readonly effort: Effort },
  onProgress: (progress: Progress) => void,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(figures.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const figure of figures) {
      await emptyStores(rig.stack.databaseUrl, rig.stack.redisUrl);
      const sample = await figure.measure(rig, effort);
      const [violation] = await auditViolations(rig.stack.databaseUrl);
      if (violation !== undefined) {
        throw new Error(
          `After "${figure.title}" the audit found ${violation.check}: ${violation.detail}. Nothing of this run counts.`,
        );
      }
      samples.get(figure.name)!.push(sample);
      onProgress({ round, figure, sample });
    }
  }
  return samples;
}
