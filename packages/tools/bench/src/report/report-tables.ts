import type { Figure } from '../figures/figure.ts';
import type { Measure } from '../figures/sample.ts';
import type { Rounds } from './goals.ts';
import { judgeGoals } from './judge-goals.ts';
import { numberText } from './number-text.ts';
import { spreadOf } from './statistics.ts';

const columns = [
  ['p50Ms', 'p50 ms'],
  ['p99Ms', 'p99 ms'],
  ['serverMicros', 'server µs'],
  ['postgresMicros', 'PostgreSQL µs'],
  ['redisMicros', 'Redis µs'],
  ['loadMicros', 'client µs'],
  ['unexpected', 'other answers'],
] as const satisfies readonly (readonly [Measure, string])[];

/** One row per figure: the median of its rounds, of the rate also the least and the most. */
export function figureRows(figures: readonly Pick<Figure, 'name' | 'title'>[], rounds: Rounds): string[][] {
  const header = ['', 'per second', 'min–max', ...columns.map(([, title]) => title)];
  const rows = figures.map(({ name, title }) => {
    const samples = rounds.get(name) ?? [];
    const spread = (measure: Measure) => spreadOf(samples.map((sample) => sample[measure] ?? Number.NaN));
    const rate = spread('perSecond');
    return [
      title,
      numberText(rate.median),
      `${numberText(rate.min)}–${numberText(rate.max)}`,
      ...columns.map(([measure]) => numberText(spread(measure).median)),
    ];
  });
  return [header, ...rows];
}

export function goalRows(rounds: Rounds): string[][] {
  const rows = judgeGoals(rounds).map(({ goal, spread, isReached }) => [
    goal.name,
    goal.atLeast === undefined ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`,
    numberText(spread.median),
    `${numberText(spread.min)}–${numberText(spread.max)}`,
    isReached ? 'reached' : 'missed',
  ]);
  return [['ratio', 'goal', 'median', 'min–max', ''], ...rows];
}
