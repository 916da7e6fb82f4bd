import { existsSync } from 'node:fs';
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

interface Provisioned {
  readonly datasources?: readonly { readonly uid: string; readonly url: string }[];
  readonly providers?: readonly { readonly options: { readonly path: string } }[];
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
          gridPos: { required: ['h', 'w', 'x', 'y'] },
          fieldConfig: { properties: { defaults: { required: ['unit'] } } },
          targets: { minItems: 1, items: { required: ['refId', 'datasource', 'expr', 'legendFormat'] } },
        },
      },
    },
  },
};

async function readDashboards(folder: string): Promise<Dashboard[]> {
  const files = (await readdir(join(folder, 'dashboards'))).filter((name) => name.endsWith('.json'));
  const texts = files.map((file) => readFile(join(folder, 'dashboards', file), 'utf8'));
  return (await Promise.all(texts)).map((text) => JSON.parse(text) as Dashboard);
}

export interface PanelQuery {
  readonly panel: string;
  readonly expr: string;
  /** The name of a series, with labels in braces: "{{job}}". */
  readonly legendFormat: string;
}

/** @returns every query of every panel of infra/grafana */
export async function readPanelQueries(): Promise<PanelQuery[]> {
  const panels = (await readDashboards(ownFolder)).flatMap((dashboard) => dashboard.panels);
  return panels.flatMap(({ title: panel, targets }) => targets.map((target) => ({ panel, ...target })));
}

/**
 * Checks the structure of the dashboards, and that docker-compose.yml mounts them and runs the source that they ask.
 *
 * @param folder like infra/grafana
 * @param compose the text of docker-compose.yml
 * @returns one sentence for each finding
 */
export async function checkGrafana(compose: string, folder = ownFolder): Promise<string[]> {
  const provisioned = async (path: string): Promise<Provisioned> =>
    parse(await readFile(join(folder, 'provisioning', path), 'utf8')) as Provisioned;
  const { datasources = [] } = await provisioned('datasources/prometheus.yml');
  const { providers = [] } = await provisioned('dashboards/ticketing.yml');
  const dashboards = await readDashboards(folder);
  const home = /HOME_DASHBOARD_PATH: \S*\/(\S+)/.exec(compose)?.[1] ?? '';
  const ajv = new Ajv2019({ strict: false });
  const isKnown = ({ datasource: { uid } }: Source) => datasources.some((source) => source.uid === uid);
  return [
    ...datasources.flatMap(({ url }) => {
      const { hostname } = new URL(url);
      return findings({ [`docker-compose.yml has no ${hostname}`]: !compose.includes(`\n  ${hostname}:\n`) });
    }),
    ...providers.flatMap(({ options: { path } }) => {
      const isMounted = compose.includes(`./infra/grafana/dashboards:${path}:ro`);
      return findings({ [`docker-compose.yml has no dashboards in ${path}`]: !isMounted });
    }),
    ...findings({
      [`the first page ${home} does not exist`]: !existsSync(join(folder, 'dashboards', home)),
      'two dashboards have one uid': new Set(dashboards.map(({ uid }) => uid)).size < dashboards.length,
    }),
    ...dashboards.flatMap((dashboard) => {
      const { title, panels } = dashboard;
      if (!ajv.validate(schema, dashboard)) return `${title}: ${ajv.errorsText()}`;
      return findings({
        [`${title} has an id twice`]: new Set(panels.map(({ id }) => id)).size < panels.length,
        [`${title} asks a source that is not provisioned`]: !panels
          .flatMap((panel) => [panel, ...panel.targets])
          .every(isKnown),
      });
    }),
  ];
}
