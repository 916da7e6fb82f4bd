import type { Measure } from '../figures/sample.ts';
import { goals, type Goal, type Rounds } from './goals.ts';
import { spreadOf, type Spread } from './statistics.ts';

export interface JudgedGoal {
  readonly goal: Goal;
  readonly spread: Spread;
  readonly isReached: boolean;
}

/** Those whose figures were all measured. Each round has a ratio of its own; the median of them counts. */
export function judgeGoals(rounds: Rounds): JudgedGoal[] {
  return goals.flatMap((goal) => {
    const measured = goal.figures.map((figure) => rounds.get(figure)?.length ?? 0);
    const count = Math.min(...measured);
    if (count === 0) return [];
    const ratios = Array.from({ length: count }, (_, round) =>
      goal.ratio((figure: string, measure: Measure) => rounds.get(figure)?.[round]?.[measure] ?? Number.NaN),
    );
    const spread = spreadOf(ratios);
    const isReached =
      spread.median >= (goal.atLeast ?? Number.NEGATIVE_INFINITY) &&
      spread.median <= (goal.atMost ?? Number.POSITIVE_INFINITY);
    return [{ goal, spread, isReached }];
  });
}
