import { auditViolations } from '@ticketing/testkit';
import type { Effort, Figure, Sample } from './figures/figure.ts';
import type { Rig } from './rig/rig.ts';
import { emptyStores, vacuumTables } from './rig/stores.ts';

export interface Turn {
  readonly round: number;
  readonly figure: Figure;
}

/** All figures in turns, so that other work of the machine falls on all of them alike; long figures once, at the end. */
export function planTurns(figures: readonly Figure[], rounds: number): Turn[] {
  const turns = (isLong: boolean, round: number) =>
    figures.filter((figure) => (figure.isLong ?? false) === isLong).map((figure) => ({ round, figure }));
  return [...Array.from({ length: rounds }, (_, index) => turns(false, index + 1)).flat(), ...turns(true, 1)];
}

/**
 * Audits the tables after each measurement; a database that a figure keeps, after the last one.
 *
 * @returns by name of the figure its sample of each round
 * @throws when the audit finds a violation: a rate that broke an invariant does not count
 */
export async function runTurns(
  rig: Rig,
  turns: readonly Turn[],
  effort: Effort,
  onSample: (turn: Turn, sample: Sample) => void = () => undefined,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>();
  for (const turn of turns) {
    const { name, title, measure } = turn.figure;
    await emptyStores(rig.stack.databaseUrl, rig.stack.redisUrl);
    const sample = await measure(rig, effort);
    await audit(rig.stack.databaseUrl, title);
    samples.set(name, [...(samples.get(name) ?? []), sample]);
    onSample(turn, sample);
  }
  const kept = new Map<string, string>();
  for (const { title, keptDatabase } of turns.map(({ figure }) => figure)) {
    if (keptDatabase !== undefined) kept.set(await keptDatabase(rig), title);
  }
  for (const [databaseUrl, title] of kept) await audit(databaseUrl, title);
  return samples;
}

async function audit(databaseUrl: string, title: string): Promise<void> {
  // Else PostgreSQL plans the audit for the empty tables of its last statistics.
  await vacuumTables(databaseUrl);
  const [violation] = await auditViolations(databaseUrl);
  if (violation === undefined) return;
  const { check, detail } = violation;
  throw new Error(`After "${title}" the audit found ${check}: ${detail}. Nothing of this run counts.`);
}
