import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { findings } from './findings.ts';

interface Source {
  readonly datasource: { readonly uid: string };
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly (Source & {
    readonly id: number;
    readonly title: string;
    readonly targets: readonly (Source & { readonly expr: string; readonly legendFormat: string })[];
  })[];
}

const ownFolder = join(repositoryRoot, 'infra/grafana');

/** Grafana publishes no schema: this one is what our dashboards use of its model, version 39. */
const schema = {
  type: 'object',
  required: ['uid', 'title', 'schemaVersion', 'panels'],
  properties: {
    schemaVersion: { const: 39 },
    panels: {
      minItems: 1,
      items: {
        required: ['id', 'type', 'title', 'description', 'datasource', 'gridPos', 'fieldConfig', 'targets'],
        properties: {
          type: { const: 'timeseries' },
          gridPos: {
            required: ['h', 'w', 'x', 'y'],
            properties: { w: { minimum: 1, maximum: 24 }, x: { minimum: 0, maximum: 23 } },
          },
          fieldConfig: {
            properties: { defaults: { required: ['unit'] } },
            required: ['defaults'],
          },
          targets: { minItems: 1, items: { required: ['refId', 'datasource', 'expr', 'legendFormat'] } },
        },
      },
    },
  },
};

async function readDashboards(folder: string): Promise<[file: string, Dashboard][]> {
  const files = (await readdir(join(folder, 'dashboards'))).filter((name) => name.endsWith('.json'));
  return Promise.all(
    files.toSorted().map(async (file): Promise<[string, Dashboard]> => {
      const text = await readFile(join(folder, 'dashboards', file), 'utf8');
      return [file, JSON.parse(text) as Dashboard];
    }),
  );
}

export interface PanelQuery {
  readonly dashboard: string;
  readonly panel: string;
  readonly expression: string;
  /** The name of a series, with labels in braces: "{{job}}". */
  readonly legend: string;
}

/** @returns every query of every panel of infra/grafana */
export async function readPanelQueries(): Promise<PanelQuery[]> {
  return (await readDashboards(ownFolder)).flatMap(([, { title: dashboard, panels }]) =>
    panels.flatMap(({ title: panel, targets }) =>
      targets.map(({ expr, legendFormat }) => ({ dashboard, panel, expression: expr, legend: legendFormat })),
    ),
  );
}

/**
 * Checks the structure of the dashboards, and that docker-compose.yml mounts them and runs the source that they ask.
 *
 * @param folder like infra/grafana
 * @param compose the text of docker-compose.yml
 * @returns one sentence for each finding
 */
export async function checkGrafana(compose: string, folder = ownFolder): Promise<string[]> {
  const provisioned = async <T>(path: string): Promise<T> =>
    parse(await readFile(join(folder, 'provisioning', path), 'utf8')) as T;
  const { datasources } = await provisioned<{ datasources: { uid: string; url: string }[] }>(
    'datasources/prometheus.yml',
  );
  const { providers } = await provisioned<{ providers: { options: { path: string } }[] }>(
    'dashboards/ticketing.yml',
  );
  const dashboards = await readDashboards(folder);
  const home = /HOME_DASHBOARD_PATH: \S*\/(\S+)/.exec(compose)?.[1] ?? '';
  const ajv = new Ajv2019({ strict: false });
  return [
    ...datasources
      .map(({ url }) => new URL(url).hostname)
      .filter((hostname) => !compose.includes(`\n  ${hostname}:\n`))
      .map((hostname) => `docker-compose.yml has no ${hostname}`),
    ...providers
      .filter(({ options: { path } }) => !compose.includes(`./infra/grafana/dashboards:${path}:ro`))
      .map(({ options: { path } }) => `docker-compose.yml has no dashboards in ${path}`),
    ...findings({
      [`the first page ${home} does not exist`]: !dashboards.some(([file]) => file === home),
      'two dashboards have one uid': new Set(dashboards.map(([, { uid }]) => uid)).size < dashboards.length,
    }),
    ...dashboards.flatMap(([file, dashboard]) => {
      if (!ajv.validate(schema, dashboard)) return `${file}: ${ajv.errorsText()}`;
      const { panels } = dashboard;
      const isKnown = ({ datasource: { uid } }: Source) => datasources.some((source) => source.uid === uid);
      return findings({
        [`${file} has an id twice`]: new Set(panels.map(({ id }) => id)).size < panels.length,
        [`${file} asks a source that is not provisioned`]: !panels.every((panel) =>
          [panel, ...panel.targets].every(isKnown),
        ),
      });
    }),
  ];
}
