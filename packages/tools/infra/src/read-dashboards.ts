import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';

export interface Query {
  readonly expression: string;
  /** As Grafana takes it: "{{job}}" stands for a label. */
  readonly legend: string;
}

export interface Panel {
  readonly dashboard: string;
  readonly title: string;
  readonly unit: string;
  readonly queries: readonly Query[];
}

interface DashboardFile {
  readonly title: string;
  readonly panels: readonly {
    readonly title: string;
    readonly fieldConfig: { readonly defaults: { readonly unit: string } };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const dashboardsFolder = join(repositoryRoot, 'infra/grafana/dashboards');

/** Every panel of the dashboards that Grafana is given. */
export async function readDashboards(folder = dashboardsFolder): Promise<Panel[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted();
  const dashboards = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return dashboards.flatMap((text) => {
    const { title: dashboard, panels } = JSON.parse(text) as DashboardFile;
    return panels.map(({ title, fieldConfig, targets }) => ({
      dashboard,
      title,
      unit: fieldConfig.defaults.unit,
      queries: targets.map(({ expr, legendFormat }) => ({ expression: expr, legend: legendFormat })),
    }));
  });
}

/** The name of a series as Grafana would show it. */
export function legendOf({ legend }: Query, labels: Readonly<Record<string, string>>): string {
  return legend.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}
