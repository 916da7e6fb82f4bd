export interface Bar {
  readonly label: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** What stands behind the bar. */
  readonly text: string;
  readonly isGood: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** A value at which a line is drawn through all bars. */
  readonly mark?: number;
  /** Where bars end that would be longer. */
  readonly cut?: number;
}

const width = 960;
const barsFrom = 440;
const barsWidth = 380;
const rowHeight = 24;
const panelHead = 52;
const colors = { good: '#2f6f9f', bad: '#b4552d', spread: '#1b2733', text: '#1b2733', mark: '#6b7785' };

/** Panels of horizontal bars, one below the other, as SVG; each bar with a line from its least to its most. */
export function barChart(panels: readonly Panel[]): string {
  let top = 0;
  const parts = panels.map((panel) => {
    const drawn = drawPanel(panel, top);
    top += panelHead + panel.bars.length * rowHeight;
    return drawn;
  });
  const height = top + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts.flat(),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, bars, mark, cut = Number.POSITIVE_INFINITY }: Panel, top: number): string[] {
  const known = bars.flatMap(({ max }) => (Number.isFinite(max) ? [Math.min(max, cut)] : []));
  const longest = Math.max(mark ?? 0, ...known, Number.MIN_VALUE);
  const x = (value: number) => round(barsFrom + (Math.min(value, cut) / longest) * barsWidth);
  const rows = bars.flatMap((bar, index) => {
    const y = top + panelHead + index * rowHeight;
    if (!Number.isFinite(bar.median)) return [text(barsFrom - 10, y + 12, bar.label, 'end')];
    const color = bar.isGood ? colors.good : colors.bad;
    const end = x(Math.max(bar.median, bar.max));
    return [
      text(barsFrom - 10, y + 12, bar.label, 'end'),
      `<rect x="${barsFrom}" y="${y}" width="${round(x(bar.median) - barsFrom)}" height="16" fill="${color}"/>`,
      `<path d="M${x(bar.min)} ${y + 8}H${x(bar.max)}M${x(bar.min)} ${y + 4}v8M${x(bar.max)} ${y + 4}v8" stroke="${colors.spread}" fill="none"/>`,
      text(end + 8, y + 12, bar.text, 'start'),
    ];
  });
  const bottom = top + panelHead + bars.length * rowHeight;
  const line =
    mark === undefined
      ? []
      : [
          `<path d="M${x(mark)} ${top + panelHead - 8}V${bottom}" stroke="${colors.mark}" stroke-dasharray="4 3"/>`,
        ];
  return [
    `<text x="16" y="${top + 30}" font-size="15" font-weight="600" fill="${colors.text}">${escape(title)}</text>`,
    ...rows,
    ...line,
  ];
}

function text(x: number, y: number, content: string, anchor: 'start' | 'end'): string {
  return `<text x="${round(x)}" y="${y}" text-anchor="${anchor}" fill="${colors.text}">${escape(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
