import { expect, it } from 'vitest';
import type { Sample } from '../src/figures/figure.ts';
import { figures } from '../src/figures/figures.ts';
import { firstScreen } from '../src/report/first-screen.ts';
import { decidingFigures, judgeGoals } from '../src/report/goals.ts';
import { reportTables, withFewDigits, type BenchReport } from '../src/report/report.ts';
import { median, percentile, spreadOf } from '../src/report/statistics.ts';
import { figureRows, goalRows, markdownTable } from '../src/report/tables.ts';

it.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[7], 7],
  [[], Number.NaN],
])('the median of %j is %f', (values, expected) => {
  expect(median(values)).toBe(expected);
});

it('the spread of values is their median, minimum and maximum', () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
});

it.each([
  [0.5, 50],
  [0.99, 99],
  [1, 100],
  [0, 1],
])('the percentile %f of 1 to 100 is %i', (share, expected) => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(percentile(hundred, share)).toBe(expected);
});

const rates = (...perSecond: number[]): Sample[] => perSecond.map((rate) => ({ perSecond: rate, p99Ms: 40 }));
const rounds = new Map([
  ['booking', rates(6_000, 4_000, 8_000)],
  ['statement', rates(1_000, 2_000, 2_000)],
]);
const judged = (statement: Sample[]) =>
  judgeGoals(new Map([...rounds, ['statement', statement]])).find(({ goal }) =>
    goal.figures.includes('statement'),
  );

it.each([
  ['reached by the median of the ratios of each round', rates(1_000, 2_000, 2_000), true],
  ['missed by a ratio on the wrong side', rates(3_000, 3_000, 3_000), false],
  ['missed without a measured value', [{}, {}, {}], false],
])('a goal is %s', (_name, statement, isReached) => {
  expect(judged(statement)?.isReached).toBe(isReached);
});

it('a goal is judged by the median of ratios, not by the ratio of medians', () => {
  expect(judged(rates(1_000, 2_000, 2_000))?.spread).toEqual({ median: 4, min: 2, max: 6 });
});

it('a goal is not judged when one of its figures was left out', () => {
  expect(judgeGoals(rounds).some(({ goal }) => goal.figures.includes('bare'))).toBe(false);
});

it('the row of a goal says whether it was reached', () => {
  const name = '● bookings/s ÷ the transaction of 29 November straight on PostgreSQL';
  expect(goalRows(rounds)[1]).toEqual([name, '≥ 3', '4.00', '2.00–6.00', 'reached']);
});

it('a ratio that is only told has neither a goal nor a verdict', () => {
  const told = goalRows(new Map([...rounds, ['limited-steps', rates(2_000, 2_000, 2_000)]]));
  const name = 'bookings/s ÷ the steps one by one, with log and limits';
  expect(told).toContainEqual([name, '–', '3.00', '2.00–4.00', '']);
});

it('every figure of a deciding goal can be measured', () => {
  expect(figures.map(({ name }) => name)).toEqual(expect.arrayContaining([...decidingFigures]));
  expect(decidingFigures).toContain('backend-cpu');
});

it('the row of a figure has its median, its range, and a dash without a measured value', () => {
  const [header, row] = figureRows(new Map([['booking', 'distinct seats']]), rounds);
  expect(header?.slice(0, 5)).toEqual(['', 'per second', 'min–max', 'p50 ms', 'p99 ms']);
  expect(row?.slice(0, 5)).toEqual(['distinct seats', '6000', '4000–8000', '–', '40.0']);
});

it('a table has columns of one width, and numbers aligned to the right', () => {
  expect(
    markdownTable([
      ['', 'rate'],
      ['a name', '7'],
    ]),
  ).toBe('|        | rate |\n| ------ | ---: |\n| a name |    7 |');
});

const reportOf = (measured: BenchReport['figures']): BenchReport => ({
  measuredAt: '2026-11-25 08:40',
  commit: 'abc1234',
  machine: '2 × a processor, 8 GiB, Linux 6',
  versions: { node: '20.20.0', postgresql: '15.18', redis: '7.0.15' },
  rounds: 3,
  figures: measured,
});

it('the tables of a run say when and where it was, and each measured goal, and chart the rates of the peers', () => {
  const { run, goals, chart } = reportTables(
    reportOf({
      booking: { title: 'distinct seats', samples: [{ perSecond: 100, p99Ms: 20 }] },
      bare: { title: 'a bare route', samples: [{ perSecond: 1_000 }] },
    }),
  );
  for (const word of ['2026-11-25 08:40', 'abc1234', '2 × a processor', '3 rounds', '15.18', '7.0.15']) {
    expect(run).toContain(word);
  }
  expect(goals).toMatch(
    /^\| ● bookings\/s ÷ bare Fastify POST +\| ≥ 0\.18 \| +0\.10 \| 0\.10–0\.10 \| +missed \|$/m,
  );
  expect(chart).toContain('x-axis ["bare", "booking"]');
  expect(chart).toContain('bar [1000, 100]');
});

it('the end of a run tells bookings and CPU time beside the peers, then the goals, then the rest', () => {
  const cost = { serverMicros: 400, postgresMicros: 200, redisMicros: 60, loadMicros: 90 };
  const tables = firstScreen(
    reportOf({
      confirm: { title: 'confirmations', samples: [{ perSecond: 50 }] },
      booking: { title: 'distinct seats', samples: [{ perSecond: 100, ...cost }] },
      bare: { title: 'a bare route', samples: [{ perSecond: 1_000, serverMicros: 40 }] },
      'backend-cpu': { title: '', samples: [{ micros32: 91, micros32Of29November: 182, batch32: 31 }] },
    }),
  ).split('\n\n');
  const cells = tables.map((table) =>
    table.split('\n').map((line) => line.split('|').map((cell) => cell.trim())),
  );
  expect(cells[0]?.slice(2)).toEqual([
    ['', 'a bare Fastify POST', '1000', '0.10', '40.0', '–', '–', '–', ''],
    ['', 'the engine', '100', '1.00', '400', '200', '60.0', '90.0', ''],
  ]);
  expect(cells[1]?.slice(2).map((row) => row[4])).toEqual(['182', '91.0', '31.0']);
  expect(tables[2]).toMatch(/commits of 32 +\| ≤ 0\.55 \| +0\.50 \|/);
  expect(cells[3]?.slice(2).map((row) => row[1])).toEqual(['confirmations']);
});

it('the sizing tables say how much work one core does in a second, and leave out noise', () => {
  const { processes, sale } = reportTables(
    reportOf({
      booking: { title: '', samples: [{ serverMicros: 500, postgresMicros: 250, redisMicros: 100 }] },
      confirm: { title: '', samples: [{ serverMicros: 250, postgresMicros: 250, redisMicros: 50 }] },
      refusal: { title: '', samples: [{ serverMicros: 200, postgresMicros: -3, redisMicros: 9 }] },
    }),
  );
  const rowOf = (table: string, first: string) => {
    const rows = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    return rows.find((cells) => cells[1] === first)?.slice(2, -1);
  };
  expect(rowOf(processes, 'a booking of one seat')).toEqual(['2000', '4000', '10000']);
  expect(rowOf(processes, 'a seat that is taken: refused')).toEqual(['5000', '–', '–']);
  // A ticket is booked for 250 µs of PostgreSQL and paid for another 250: 2,000 a second of one core.
  expect(rowOf(sale, '1')).toEqual(['2000', '1.00', '0.50', '0.30', '40.0']);
  expect(rowOf(sale, '4')).toEqual(['8000', '4.00', '2.00', '1.20', '10.0']);
});

it('a kept value has four digits; a value that could not be measured is left out', () => {
  expect(withFewDigits({ perSecond: 1_234.567, p50Ms: 0.123456, rssMb: Number.NaN })).toEqual({
    perSecond: 1_235,
    p50Ms: 0.1235,
  });
});
