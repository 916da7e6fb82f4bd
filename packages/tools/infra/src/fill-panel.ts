import type { DrawnPanel } from './draw-panels.ts';
import { legendOf, type Panel } from './read-dashboards.ts';
import type { Prometheus } from './start-prometheus.ts';

/** What a panel shows over a stretch of time, in seconds since 1970. */
export async function fillPanel(
  prometheus: Prometheus,
  panel: Panel,
  from: number,
  to: number,
): Promise<DrawnPanel> {
  const series: DrawnPanel['series'][number][] = [];
  for (const query of panel.queries) {
    for (const { labels, points } of await prometheus.queryRange(query.expression, from, to, 1)) {
      series.push({ name: legendOf(query, labels), points });
    }
  }
  return { ...panel, series };
}
