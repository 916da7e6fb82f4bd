import { numberText } from '../report/statistics.ts';
import type { SaleReport } from './run-sale.ts';

const columns = 72;
const bars = ' ▁▂▃▄▅▆▇█';

/** The sale over time, one line per series, as text: each column is as many seconds as make the sale fit. */
export function salePicture({ seconds, faults, size }: SaleReport): string {
  const perColumn = Math.ceil(seconds.length / columns);
  const width = Math.ceil(seconds.length / perColumn);
  let sold = 0;
  const soldSoFar = seconds.map(({ confirmed = 0 }) => (sold += confirmed));
  const series: readonly (readonly [title: string, values: readonly number[], unit: string])[] = [
    ['arrivals', seconds.map(({ arrived = 0 }) => arrived), '/s'],
    ['holds', seconds.map(({ held = 0 }) => held), '/s'],
    ['refusals', seconds.map(({ refused = 0 }) => refused), '/s'],
    ['payments', seconds.map(({ confirmed = 0 }) => confirmed), '/s'],
    ['hold p99', seconds.map(({ holdP99Ms = 0 }) => holdP99Ms), ' ms'],
    ['sold', soldSoFar, ` of ${size.seats}`],
  ];
  const line = (title: string, content: string, note: string) =>
    `${title.padEnd(9)} ${content.padEnd(width)}  ${note}`.trimEnd();
  const rows = series.map(([title, values, unit]) => {
    // The highest second of a column: a mean would hide a slow moment.
    const heights = Array.from({ length: width }, (_, column) =>
      Math.max(...values.slice(column * perColumn, (column + 1) * perColumn)),
    );
    const highest = Math.max(...heights, Number.MIN_VALUE);
    const content = heights.map((height) => bars[Math.ceil((height / highest) * 8)]).join('');
    return line(title, content, `up to ${numberText(highest)}${unit}`);
  });
  const marks = Array.from({ length: width }, () => ' ');
  for (const { mark, atSecond } of faults) {
    const column = Math.min(width - 1, Math.floor(atSecond / perColumn));
    marks[column] = marks[column] === ' ' ? mark : '*';
  }
  const legend = faults.map(({ mark, title, atSecond }) => `${mark} ${Math.round(atSecond)} s: ${title}`);
  return [...rows, line('faults', marks.join(''), `${perColumn} s a column`), ...legend].join('\n');
}
