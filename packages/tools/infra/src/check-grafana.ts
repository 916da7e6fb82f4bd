import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Source {
  readonly datasource: { readonly uid: string };
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly (Source & {
    readonly id: number;
    readonly title: string;
    readonly targets: readonly Source[];
  })[];
}

/**
 * What Grafana would find out only when somebody looks: panels of a source that it is not given, and paths and names
 * that docker-compose.yml does not have.
 *
 * @param folder like infra/grafana
 * @returns sentences; none when all is well
 */
export async function checkGrafana(folder: string, compose: string): Promise<string[]> {
  const faults: string[] = [];
  const provisioned = async <T>(path: string): Promise<T> =>
    parse(await readFile(join(folder, 'provisioning', path), 'utf8')) as T;
  const { datasources } = await provisioned<{ datasources: { uid: string; url: string }[] }>(
    'datasources/prometheus.yml',
  );
  const { providers } = await provisioned<{ providers: { options: { path: string } }[] }>(
    'dashboards/ticketing.yml',
  );
  for (const { url } of datasources) {
    const { hostname } = new URL(url);
    if (!compose.includes(`\n  ${hostname}:\n`)) faults.push(`docker-compose.yml has no ${hostname}`);
  }
  for (const { options } of providers) {
    if (!compose.includes(`./infra/grafana/dashboards:${options.path}:ro`))
      faults.push(`docker-compose.yml has no dashboards in ${options.path}`);
  }
  const files = (await readdir(join(folder, 'dashboards'))).filter((name) => name.endsWith('.json'));
  const home = /HOME_DASHBOARD_PATH: \S*\/(\S+)/.exec(compose)?.[1] ?? '';
  if (!files.includes(home)) faults.push(`there is no dashboard ${home} to begin with`);
  const known = new Set(datasources.map(({ uid }) => uid));
  const uids = new Set<string>();
  for (const file of files) {
    const { uid, panels } = JSON.parse(await readFile(join(folder, 'dashboards', file), 'utf8')) as Dashboard;
    uids.add(uid);
    if (new Set(panels.map(({ id }) => id)).size < panels.length) faults.push(`${file} has an id twice`);
    for (const { title, datasource, targets } of panels) {
      if ([{ datasource }, ...targets].some((source) => !known.has(source.datasource.uid)))
        faults.push(`"${title}" asks a source that is not provisioned`);
    }
  }
  if (uids.size < files.length) faults.push('two dashboards have one uid');
  return faults;
}
