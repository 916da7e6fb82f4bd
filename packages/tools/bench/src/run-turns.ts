import { auditViolations } from '@ticketing/testkit';
import type { Effort, Figure } from './figures/figure.ts';
import type { Sample } from './figures/sample.ts';
import type { Rig } from './rig/rig.ts';
import { emptyStores, settleTables } from './rig/stores.ts';

export interface Turn {
  readonly round: number;
  readonly figure: Figure;
}

/** Who is measured when: all figures in turns, so that what the machine does meanwhile falls on all of them alike. */
export function planTurns(figures: readonly Figure[], rounds: number): Turn[] {
  const repeated = figures.filter(({ isLong }) => isLong !== true);
  return [
    ...Array.from({ length: rounds }, (_, index) =>
      repeated.map((figure) => ({ round: index + 1, figure })),
    ).flat(),
    ...figures.filter(({ isLong }) => isLong === true).map((figure) => ({ round: 1, figure })),
  ];
}

/**
 * After each measurement the tables must be in order; those that a figure keeps, after the last one.
 *
 * @returns by name of the figure what each round of it said
 * @throws when the audit finds anything: a rate that broke a promise does not count
 */
export async function runTurns(
  rig: Rig,
  turns: readonly Turn[],
  effort: Effort,
  onSample: (turn: Turn, sample: Sample) => void,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>();
  for (const turn of turns) {
    const { name, title, measure } = turn.figure;
    await emptyStores(rig.stack.databaseUrl, rig.stack.redisUrl);
    const sample = await measure(rig, effort);
    await expectOrder(rig.stack.databaseUrl, title);
    samples.set(name, [...(samples.get(name) ?? []), sample]);
    onSample(turn, sample);
  }
  for (const { title, keptDatabase } of new Set(turns.map(({ figure }) => figure))) {
    if (keptDatabase !== undefined) await expectOrder(await keptDatabase(rig), title);
  }
  return samples;
}

async function expectOrder(databaseUrl: string, title: string): Promise<void> {
  // Else PostgreSQL plans the audit for the empty tables that it saw last.
  await settleTables(databaseUrl);
  const [violation] = await auditViolations(databaseUrl);
  if (violation === undefined) return;
  throw new Error(
    `After "${title}" the audit found ${violation.check}: ${violation.detail}. Nothing of this run counts.`,
  );
}
