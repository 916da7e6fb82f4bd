import type { Rounds, Sample } from '../figures/figure.ts';
import { goalRows, markdownTable, peers, processRows, saleRows, spreadOfMeasure } from './tables.ts';

/** A run of the bench, as docs/performance.json keeps it. */
export interface BenchReport {
  readonly measuredAt: string;
  /** Of the measured engine; null outside a clone. */
  readonly commit: string | null;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly figures: Readonly<Record<string, { readonly title: string; readonly samples: readonly Sample[] }>>;
}

/** What the documents show of a run, by the names of their markers. */
export function reportTables(
  report: BenchReport,
): Readonly<Record<'run' | 'chart' | 'goals' | 'processes' | 'sale', string>> {
  const { postgresql, redis, node } = report.versions;
  const { rounds } = roundsOf(report);
  return {
    run: `${report.measuredAt} UTC, commit ${report.commit ?? 'unknown'}, ${report.rounds} rounds, on ${report.machine}; Node ${node}, PostgreSQL ${postgresql}, Redis ${redis}.`,
    chart: rateChart(rounds),
    goals: markdownTable(goalRows(rounds)),
    processes: markdownTable(processRows(rounds)),
    sale: markdownTable(saleRows(rounds)),
  };
}

export function roundsOf({ figures }: BenchReport) {
  const entries = Object.entries(figures);
  return {
    titles: new Map(entries.map(([name, { title }]) => [name, title])),
    rounds: new Map(entries.map(([name, { samples }]) => [name, samples])),
  };
}

/** The median rates of the engine and its peers, as a Mermaid chart that the viewer of the document draws. */
function rateChart(rounds: Rounds): string {
  const rates = [...peers.keys()]
    .filter((name) => rounds.has(name))
    .map((name) => [name, Math.round(spreadOfMeasure(rounds, name, 'perSecond').median)] as const);
  return `\`\`\`mermaid
xychart-beta horizontal
    title "Per second, medians of the rounds"
    x-axis [${rates.map(([name]) => `"${name}"`).join(', ')}]
    y-axis "per second"
    bar [${rates.map(([, rate]) => rate).join(', ')}]
\`\`\``;
}

/** Each value with as many digits as it can bear, and without values that could not be measured. */
export function withFewDigits(sample: Sample): Sample {
  const known = Object.entries(sample).filter(([, value]) => Number.isFinite(value));
  return Object.fromEntries(known.map(([measure, value]) => [measure, Number(value.toPrecision(4))]));
}
