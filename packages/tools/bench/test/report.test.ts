import { describe, expect, it } from 'vitest';
import type { Sample } from '../src/figures/sample.ts';
import { judgeGoals } from '../src/report/judge-goals.ts';
import { figureRows, goalRows } from '../src/report/report-tables.ts';
import { terminalTable } from '../src/report/terminal-table.ts';

const rates = (...perSecond: number[]): Sample[] => perSecond.map((rate) => ({ perSecond: rate, p99Ms: 40 }));
const rounds = new Map([
  ['booking', rates(3_000, 2_000, 4_000)],
  ['statement', rates(1_000, 2_000, 2_000)],
]);

describe('a goal', () => {
  it('is judged by the median of the ratios of each round, not by the ratio of medians', () => {
    const judged = judgeGoals(rounds).find(({ goal }) => goal.figures.includes('statement'));
    expect(judged?.spread).toEqual({ median: 2, min: 1, max: 3 });
    expect(judged?.isReached).toBe(true);
  });

  it('is missed by a ratio on the wrong side of it', () => {
    const slow = new Map([...rounds, ['statement', rates(3_000, 3_000, 3_000)]]);
    expect(judgeGoals(slow).find(({ goal }) => goal.figures.includes('statement'))?.isReached).toBe(false);
  });

  it('is missed by what could not be measured', () => {
    const unknown = new Map([...rounds, ['statement', [{}, {}, {}]]]);
    expect(judgeGoals(unknown).find(({ goal }) => goal.figures.includes('statement'))?.isReached).toBe(false);
  });

  it('is not judged when one of its figures was left out', () => {
    expect(judgeGoals(rounds).some(({ goal }) => goal.figures.includes('bare'))).toBe(false);
  });

  it('has a row that says whether it was reached', () => {
    expect(goalRows(rounds)[1]).toEqual([
      'bookings/s ÷ the same transaction straight on PostgreSQL',
      '≥ 1.5',
      '2.00',
      '1.00–3.00',
      'reached',
    ]);
  });
});

describe('a figure', () => {
  it('has a row with its median, its spread, and a dash for what could not be measured', () => {
    const [header, row] = figureRows([{ name: 'booking', title: 'distinct seats' }], rounds);
    expect(header?.slice(0, 5)).toEqual(['', 'per second', 'min–max', 'p50 ms', 'p99 ms']);
    expect(row?.slice(0, 5)).toEqual(['distinct seats', '3000', '2000–4000', '–', '40.0']);
  });
});

describe('a table on the terminal', () => {
  it('has its columns one below the other, numbers to the right', () => {
    expect(
      terminalTable([
        ['', 'rate'],
        ['a long name', '7'],
      ]),
    ).toBe('             rate\na long name     7');
  });
});
