import type { Measure, Rounds } from '../figures/figure.ts';
import { judgeGoals, type JudgedGoal } from './goals.ts';
import { numberText, rangeText, spreadOf } from './statistics.ts';

/** The first row is the header; every column but the first is aligned to the right, also as plain text. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(4, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) => {
    const cells = widths.map((width, column) =>
      column === 0 ? row[column]!.padEnd(width) : row[column]!.padStart(width),
    );
    return `| ${cells.join(' | ')} |`;
  };
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const [header = [], ...body] = rows;
  return [header, rule, ...body].map(line).join('\n');
}

const columns = [
  ['p50Ms', 'p50 ms'],
  ['p99Ms', 'p99 ms'],
  ['serverMicros', 'server µs'],
  ['postgresMicros', 'PostgreSQL µs'],
  ['redisMicros', 'Redis µs'],
  ['loadMicros', 'client µs'],
  ['unexpected', 'other answers'],
] as const satisfies readonly (readonly [Measure, string])[];

/** The engine and what it is compared with, from the quickest on. */
export const peers: ReadonlyMap<string, string> = new Map([
  ['bare', 'a bare Fastify POST'],
  ['booking', 'the engine'],
  ['statement', 'the transaction of 29 November'],
  ['steps', 'the steps one by one'],
  ['limited-steps', 'the same with log and limits'],
]);

/** One row per figure: the median of its rounds, and the minimum and maximum of the rate. */
export function figureRows(titles: ReadonlyMap<string, string>, rounds: Rounds): string[][] {
  const rows = [...titles].map(([name, title]) => {
    const rate = spreadOfMeasure(rounds, name, 'perSecond');
    const medians = columns.map(([measure]) => numberText(spreadOfMeasure(rounds, name, measure).median));
    return [title, numberText(rate.median), rangeText(rate), ...medians];
  });
  return [['', 'per second', 'min–max', ...columns.map(([, title]) => title)], ...rows];
}

export function goalRows(rounds: Rounds): string[][] {
  const rows = judgeGoals(rounds).map(({ goal, spread, isReached }) => [
    goal.isDeciding ? `● ${goal.name}` : goal.name,
    limitText(goal),
    numberText(spread.median),
    rangeText(spread),
    isReached === undefined ? '' : isReached ? 'reached' : 'missed',
  ]);
  return [['ratio', 'goal', 'median', 'min–max', ''], ...rows];
}

function limitText({ atLeast, atMost }: JudgedGoal['goal']): string {
  if (atLeast !== undefined) return `≥ ${atLeast}`;
  return atMost === undefined ? '–' : `≤ ${atMost}`;
}

const kinds = [
  ['booking', 'a booking of one seat'],
  ['multi-seat', 'a booking of four seats'],
  ['confirm', 'a confirmation'],
  ['refusal', 'a seat that is taken: refused'],
  ['map-304', 'a map that has not changed (304)'],
] as const;

/** Less than this is the noise of other work. */
const leastMicros = 10;

/**
 * By kind of work: the most that one process of the service, one core of PostgreSQL and Redis can do in a second, a
 * million divided by the CPU time of one answer.
 */
export function processRows(rounds: Rounds): string[][] {
  const rows = kinds.map(([figure, title]) => [
    title,
    ...(['serverMicros', 'postgresMicros', 'redisMicros'] as const).map((measure) => {
      const micros = spreadOfMeasure(rounds, figure, measure).median;
      return micros < leastMicros ? '–' : numberText(1_000_000 / micros);
    }),
  ]);
  return [['a second, at most', 'one process of the service', 'one core of PostgreSQL', 'Redis'], ...rows];
}

const coreCounts = [1, 2, 4, 8];
const ticketsOfStadium = 80_000;

/** By cores of PostgreSQL: tickets a second, each booked and paid alone, and the processes that keep them busy. */
export function saleRows(rounds: Rounds): string[][] {
  const micros = (figure: string, measure: Measure) => spreadOfMeasure(rounds, figure, measure).median;
  const perTicket = (measure: Measure) => micros('booking', measure) + micros('confirm', measure);
  const rows = coreCounts.map((cores) => {
    const tickets = (cores * 1_000_000) / perTicket('postgresMicros');
    const busy = [
      micros('booking', 'serverMicros'),
      micros('confirm', 'serverMicros'),
      perTicket('redisMicros'),
    ].map((cost) => (tickets * cost) / 1_000_000);
    return [String(cores), ...[tickets, ...busy, ticketsOfStadium / tickets].map(numberText)];
  });
  const header = ['cores of PostgreSQL', 'tickets a second', 'busy booking-api', 'busy payment-api'];
  return [[...header, 'cores of Redis', 'seconds for 80,000 tickets'], ...rows];
}

export function spreadOfMeasure(rounds: Rounds, figure: string, measure: Measure) {
  return spreadOf((rounds.get(figure) ?? []).map((sample) => sample[measure] ?? Number.NaN));
}
