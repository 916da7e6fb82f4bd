export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [at: number, value: number])[];
}

export interface DrawnPanel {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

const width = 330;
const height = 190;
const columns = 3;
const plot = { left: 48, right: 10, top: 30, bottom: 44 };
/** Over more than this nothing was known, and no line is drawn. */
const gapSeconds = 2.5;
/** Told apart also by those who see no red and green (Okabe and Ito). */
const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7a7a00', '#000000'];

/**
 * A dashboard as a picture: each panel with its lines over the same stretch of time.
 *
 * @param marks moments to point out in all panels, in seconds since 1970
 */
export function drawPanels(
  title: string,
  panels: readonly DrawnPanel[],
  span: { readonly from: number; readonly to: number; readonly marks?: Readonly<Record<string, number>> },
): string {
  const rows = Math.ceil(panels.length / columns);
  const [totalWidth, totalHeight] = [columns * width + 20, rows * height + 50];
  const body = panels.map((panel, index) => {
    const [x, y] = [10 + (index % columns) * width, 40 + Math.floor(index / columns) * height];
    return `<g transform="translate(${x} ${y})">\n${drawPanel(panel, span)}</g>\n`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${totalWidth} ${totalHeight}" ` +
    `font-family="sans-serif" font-size="10" role="img" aria-label="${escape(title)}">\n` +
    `<rect width="${totalWidth}" height="${totalHeight}" fill="#fff"/>\n` +
    `<text x="12" y="24" font-size="15" font-weight="bold">${escape(title)}</text>\n${body.join('')}</svg>\n`
  );
}

function drawPanel(
  { title, unit, series }: DrawnPanel,
  {
    from,
    to,
    marks = {},
  }: { readonly from: number; readonly to: number; readonly marks?: Readonly<Record<string, number>> },
): string {
  const values = series.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  const low = Math.min(0, ...values);
  const high = Math.max(low + 1e-3, niceCeiling(Math.max(0, ...values)));
  const [innerWidth, innerHeight] = [width - plot.left - plot.right, height - plot.top - plot.bottom];
  const xOf = (at: number) => round(plot.left + ((at - from) / (to - from)) * innerWidth);
  const yOf = (value: number) => round(plot.top + (1 - (value - low) / (high - low)) * innerHeight);
  const lines = [`<text x="${plot.left}" y="20" font-size="11" font-weight="bold">${escape(title)}</text>`];
  for (const value of [low, (low + high) / 2, high]) {
    lines.push(`<path d="M${plot.left} ${yOf(value)}h${innerWidth}" stroke="#ddd"/>`);
    lines.push(
      `<text x="${plot.left - 5}" y="${yOf(value) + 3}" text-anchor="end">${formatValue(value, unit)}</text>`,
    );
  }
  for (const [name, at] of Object.entries(marks)) {
    lines.push(`<path d="M${xOf(at)} ${plot.top}v${innerHeight}" stroke="#b00" stroke-dasharray="3 3"/>`);
    lines.push(
      `<text x="${xOf(at) + 3}" y="${plot.top + 9}" fill="#b00" font-size="8">${escape(name)}</text>`,
    );
  }
  for (const [index, { points }] of series.entries()) {
    const drawn = points.filter(([, value]) => Number.isFinite(value));
    const path = drawn.map(([at, value], i) => {
      const isNext = at - (drawn[i - 1]?.[0] ?? Number.NEGATIVE_INFINITY) <= gapSeconds;
      return `${isNext ? 'L' : 'M'}${xOf(at)} ${yOf(value)}`;
    });
    lines.push(
      `<path d="${path.join('')}" fill="none" stroke="${colours[index % colours.length]}" stroke-width="1.5"/>`,
    );
  }
  lines.push(...drawLegend(series));
  return `${lines.join('\n')}\n`;
}

function drawLegend(series: readonly Series[]): string[] {
  const lines: string[] = [];
  let [x, y] = [plot.left, height - 28];
  for (const [index, { name }] of series.entries()) {
    const space = 18 + name.length * 4.9;
    if (x + space > width && x > plot.left) [x, y] = [plot.left, y + 11];
    if (y > height - 4) break;
    lines.push(
      `<rect x="${round(x)}" y="${y - 5}" width="9" height="3" fill="${colours[index % colours.length]}"/>`,
    );
    lines.push(`<text x="${round(x + 12)}" y="${y}" font-size="9">${escape(name)}</text>`);
    x += space;
  }
  return lines;
}

function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * magnitude).find((step) => step >= value) ?? value;
}

function formatValue(value: number, unit: string): string {
  if (unit === 's')
    return value !== 0 && Math.abs(value) < 1 ? `${plain(value * 1000)} ms` : `${plain(value)} s`;
  if (unit === 'percentunit') return `${plain(value * 100)} %`;
  if (unit === 'bytes') return `${plain(value / 1_048_576)} MiB`;
  return unit === 'ops' ? `${plain(value)}/s` : plain(value);
}

const plain = (value: number): string => String(Number(value.toPrecision(3)));
const round = (value: number): number => Math.round(value * 10) / 10;
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
