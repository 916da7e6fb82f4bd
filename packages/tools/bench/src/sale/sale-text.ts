import { numberText } from '../report/statistics.ts';
import { markdownTable } from '../report/tables.ts';
import type { SaleReport } from './run-sale.ts';
import { salePicture } from './sale-picture.ts';

const findingsShown = 10;

/** The sale on one screen, as Markdown that is read as text, too. */
export function saleText(report: SaleReport): string {
  const { size, totals, cpuSeconds, findings, clickToSeat } = report;
  const perThousand = (seconds: number) => numberText((seconds / totals.confirmed) * 1_000);
  const { buyers: _, ...engine } = cpuSeconds;
  const spent = Object.values(engine).reduce((sum, seconds) => sum + seconds, 0);
  const parts = Object.entries(cpuSeconds).map(([name, seconds]) => `${name} ${perThousand(seconds)}`);
  const rows = [
    ['', ''],
    ['seconds until sold out', numberText(report.soldOutSeconds)],
    ['from click to seat, p50', `${numberText(clickToSeat.p50Ms)} ms`],
    ['from click to seat, p99', `${numberText(clickToSeat.p99Ms)} ms`],
    ['holds: seats / refusals', `${totals.held} / ${totals.refused}`],
    ['share of refusals', `${numberText(report.refusedShare * 100)} %`],
    ['payments / let go / lapsed', `${totals.confirmed} / ${totals.released} / ${totals.lapsed}`],
    ['looks at the map', String(totals.looked)],
    ['requests sent again', String(totals.sentAgain)],
    ['double sales', String(report.doubleSales)],
    ['lost acknowledgements', String(report.lostAcknowledgements)],
    ['CPU seconds per 1,000 tickets', perThousand(spent)],
  ];
  const shown = findings.slice(0, findingsShown).map(({ check, detail }) => `- ${check}: ${detail}`);
  return [
    `${size.seats} seats, ${size.buyers} buyers within ${size.arrivalMs / 1_000} s, holds of ${size.holdSeconds} s`,
    markdownTable(rows),
    `CPU seconds per 1,000 tickets: ${parts.join(', ')} (not counted). The buyers' event loop was late by ${numberText(report.buyersLateP99Ms)} ms (p99).`,
    `\`\`\`text\n${salePicture(report)}\n\`\`\``,
    findings.length === 0 ? 'No findings.' : `${findings.length} findings:\n\n${shown.join('\n')}`,
  ].join('\n\n');
}
