import type { BenchReport } from './bench-report.ts';
import { roundsOf } from './bench-report.ts';
import { barChart } from './bar-chart.ts';
import { judgeGoals } from './judge-goals.ts';
import { markdownTable } from './markdown-table.ts';
import { numberText } from './number-text.ts';
import { figureRows, goalRows } from './report-tables.ts';
import { processRows, saleRows } from './sizing-rows.ts';
import { spreadOf } from './statistics.ts';

/** What the documents show of a run, by the names of their markers. */
export function reportTables(
  report: BenchReport,
): Readonly<Record<'run' | 'figures' | 'goals' | 'processes' | 'sale', string>> {
  const { postgresql, redis, node } = report.versions;
  return {
    run: `${report.measuredAt} UTC, commit ${report.commit ?? 'unknown'}, ${report.rounds} rounds, on ${report.machine}; Node ${node}, PostgreSQL ${postgresql}, Redis ${redis}.`,
    figures: markdownTable(figureRows(titlesOf(report), roundsOf(report))),
    goals: markdownTable(goalRows(roundsOf(report))),
    processes: markdownTable(processRows(roundsOf(report))),
    sale: markdownTable(saleRows(roundsOf(report))),
  };
}

/** The rates of a run, and how far each goal was reached. */
export function reportChart(report: BenchReport): string {
  const rounds = roundsOf(report);
  const rates = titlesOf(report).map(({ name, title }) => {
    const spread = spreadOf((rounds.get(name) ?? []).map(({ perSecond = Number.NaN }) => perSecond));
    return { label: title, ...spread, text: numberText(spread.median), isGood: true };
  });
  const reached = judgeGoals(rounds).map(({ goal, spread, isReached }) => {
    const share = (ratio: number) =>
      goal.atLeast === undefined ? (goal.atMost ?? Number.NaN) / ratio : ratio / goal.atLeast;
    const ends = [share(spread.min), share(spread.max)];
    return {
      label: goal.name,
      median: share(spread.median),
      min: Math.min(...ends),
      max: Math.max(...ends),
      text: `${numberText(spread.median)} (${goal.atLeast === undefined ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`})`,
      isGood: isReached,
    };
  });
  return barChart([
    { title: 'Per second: median, and from the least to the most of the rounds', bars: rates },
    {
      title: 'How far each goal is reached: the line is the goal, right of it is better',
      bars: reached,
      mark: 1,
      cut: 2.5,
    },
  ]);
}

function titlesOf({ figures }: BenchReport) {
  return Object.entries(figures).map(([name, { title }]) => ({ name, title }));
}
