import type { Measure, Rounds } from '../figures/figure.ts';
import { roundsOf, type BenchReport } from './report.ts';
import { numberText, spreadOf } from './statistics.ts';
import { figureRows, goalRows, markdownTable, peers, spreadOfMeasure } from './tables.ts';

const costColumns = [
  ['serverMicros', 'service µs'],
  ['postgresMicros', 'PostgreSQL µs'],
  ['redisMicros', 'Redis µs'],
  ['loadMicros', 'load µs'],
] as const satisfies readonly (readonly [Measure, string])[];

/** What a reader wants first: bookings and CPU time beside the peers, then the goals, then the rest. */
export function firstScreen(report: BenchReport): string {
  const { titles, rounds } = roundsOf(report);
  const rest = new Map([...titles].filter(([name]) => !peers.has(name) && name !== 'backend-cpu'));
  return [
    peerRows(rounds),
    ...(rounds.has('backend-cpu') ? [backendRows(rounds)] : []),
    goalRows(rounds),
    figureRows(rest, rounds),
  ]
    .filter((rows) => rows.length > 1)
    .map(markdownTable)
    .join('\n\n');
}

/** CPU time is per answer. The ratio is the engine's bookings divided by the peer's, the median of the rounds. */
function peerRows(rounds: Rounds): string[][] {
  const rows = [...peers].flatMap(([name, title]) => {
    if (!rounds.has(name)) return [];
    const ratios = (rounds.get('booking') ?? []).map(
      ({ perSecond = Number.NaN }, round) => perSecond / (rounds.get(name)?.[round]?.perSecond ?? Number.NaN),
    );
    const rate = numberText(spreadOfMeasure(rounds, name, 'perSecond').median);
    const costs = costColumns.map(([measure]) => numberText(spreadOfMeasure(rounds, name, measure).median));
    return [[title, rate, numberText(spreadOf(ratios).median), ...costs]];
  });
  return [['64 callers', 'per second', 'engine ÷ it', ...costColumns.map(([, title]) => title)], ...rows];
}

const sizes = [1, 8, 32] as const;

/** PostgreSQL's CPU time per booking by the size of a commit. */
function backendRows(rounds: Rounds): string[][] {
  const of = (measure: (size: (typeof sizes)[number]) => Measure) =>
    sizes.map((size) => numberText(spreadOfMeasure(rounds, 'backend-cpu', measure(size)).median));
  return [
    ['PostgreSQL µs per booking', ...sizes.map((size) => `commits of ${size}`)],
    ['the statement of 29 November', ...of((size) => `micros${size}Of29November`)],
    ['the engine', ...of((size) => `micros${size}`)],
    ['bookings that its commits had', ...of((size) => `batch${size}`)],
  ];
}
