import { describe, expect, it } from 'vitest';
import { barChart } from '../src/report/bar-chart.ts';
import type { BenchReport } from '../src/report/bench-report.ts';
import { withFewDigits } from '../src/report/bench-report.ts';
import { reportChart, reportTables } from '../src/report/report-documents.ts';

const report: BenchReport = {
  measuredAt: '2026-11-25 08:40',
  commit: 'abc1234',
  machine: '2 × a processor, 8 GiB, Linux 6',
  versions: { node: '20.20.0', postgresql: '15.18', redis: '7.0.15' },
  rounds: 3,
  figures: {
    booking: { title: 'distinct seats', samples: [{ perSecond: 100, p99Ms: 20 }] },
    bare: { title: 'a bare route', samples: [{ perSecond: 1_000 }] },
  },
};

const withCosts: BenchReport = {
  ...report,
  figures: {
    booking: { title: '', samples: [{ serverMicros: 500, postgresMicros: 250, redisMicros: 100 }] },
    confirm: { title: '', samples: [{ serverMicros: 250, postgresMicros: 250, redisMicros: 50 }] },
    refusal: { title: '', samples: [{ serverMicros: 200, postgresMicros: -3, redisMicros: 9 }] },
  },
};

describe('the documents of a run', () => {
  it('say when it was, of what, and on which machine', () => {
    const { run } = reportTables(report);
    for (const word of ['2026-11-25 08:40', 'abc1234', '2 × a processor', '3 rounds', '15.18', '7.0.15']) {
      expect(run).toContain(word);
    }
  });

  it('have a row for each figure and for each goal that was measured', () => {
    const { figures, goals } = reportTables(report);
    expect(figures).toMatch(/^\| distinct seats \| 100 \| 100–100 \|/m);
    expect(goals).toMatch(
      /^\| bookings\/s ÷ bare Fastify POST \| ≥ 0\.4 \| 0\.10 \| 0\.10–0\.10 \| missed \|$/m,
    );
  });

  it('say how many of each kind one core does in a second, and nothing where it has hardly any work', () => {
    const { processes } = reportTables(withCosts);
    expect(processes).toMatch(/^\| a booking of one seat \| 2000 \| 4000 \| 10000 \|$/m);
    expect(processes).toMatch(/^\| a seat that is taken: refused \| 5000 \| – \| – \|$/m);
  });

  it('say what cores of PostgreSQL sell, and how many processes that takes', () => {
    const { sale } = reportTables(withCosts);
    // A ticket is booked for 250 µs of PostgreSQL and paid for another 250: 2,000 a second of one core.
    expect(sale).toMatch(/^\| 1 \| 2000 \| 1\.00 \| 0\.50 \| 0\.30 \| 40\.0 \|$/m);
    expect(sale).toMatch(/^\| 4 \| 8000 \| 4\.00 \| 2\.00 \| 1\.20 \| 10\.0 \|$/m);
  });

  it('draw each figure and each goal', () => {
    const chart = reportChart(report);
    for (const label of ['distinct seats', 'a bare route', 'bookings/s ÷ bare Fastify POST']) {
      expect(chart).toContain(`>${label}</text>`);
    }
  });

  it('keep four digits of a value and nothing of what could not be measured', () => {
    expect(withFewDigits({ perSecond: 1_234.567, p50Ms: 0.123456, rssMb: Number.NaN })).toEqual({
      perSecond: 1_235,
      p50Ms: 0.1235,
    });
  });
});

describe('a chart', () => {
  const bar = { label: 'a', median: 5, min: 4, max: 10, text: '5', isGood: true };
  const widths = (svg: string) =>
    [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));

  it('draws bars in proportion to what they stand for', () => {
    const [first = 0, second = 0] = widths(barChart([{ title: 't', bars: [bar, { ...bar, median: 10 }] }]));
    expect(second).toBeCloseTo(2 * first, 0);
  });

  it('cuts a bar that would leave the picture', () => {
    const panel = { title: 't', bars: [bar, { ...bar, median: 900, max: 900 }], cut: 20 };
    expect(Math.max(...widths(barChart([panel])))).toBeLessThan(400);
  });

  it('gives what missed its goal another colour, and leaves out what was not measured', () => {
    const bars = [bar, { ...bar, isGood: false }, { ...bar, median: Number.NaN, max: Number.NaN }];
    const fills = [...barChart([{ title: 't', bars }]).matchAll(/height="16" fill="(#\w+)"/g)].map(
      ([, fill]) => fill,
    );
    expect(new Set(fills).size).toBe(2);
    expect(fills).toHaveLength(2);
  });

  it('is well-formed whatever a label holds', () => {
    const svg = barChart([{ title: 'a < b & c', bars: [{ ...bar, label: '<script>' }] }]);
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg).not.toContain('<script>');
  });
});
