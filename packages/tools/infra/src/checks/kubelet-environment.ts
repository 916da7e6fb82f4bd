import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot, serviceNames, type ServiceName } from '@ticketing/testkit';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IService } from 'kubernetes-models/v1/Service';
import { parse } from 'yaml';
import { readManifests, type Manifest } from './kubernetes.ts';
import { checkServiceEnvironment, secretFor } from './service-environment.ts';

type Environment = Readonly<Record<string, string>>;

const folder = join(repositoryRoot, 'infra/kubernetes');

/** Checks that each service accepts the environment that a kubelet would give it. @returns one sentence for each finding */
export async function checkKubeletEnvironments(from = folder): Promise<string[]> {
  const manifests = await readManifests(from);
  const settings = await readGeneratedSettings(from);
  const links = serviceLinks(manifests);
  return manifests.flatMap(({ kind, spec }) => {
    const pod = spec?.template?.spec;
    if (kind !== 'Deployment' || pod === undefined) return [];
    return pod.containers.flatMap((container) => {
      const service = serviceNames.find((name) => container.image === `ticketing/${name}`);
      if (service === undefined) return [];
      const written = writtenEnvironment(service, container, settings);
      // The links of the API server are there in any case.
      const injected = pod.enableServiceLinks === false ? linksOf('kubernetes', [443]) : links;
      return checkServiceEnvironment(service, written, injected);
    });
  });
}

function writtenEnvironment(
  service: ServiceName,
  { envFrom = [], env = [] }: IContainer,
  settings: ReadonlyMap<string, Environment>,
): Environment {
  const shared = envFrom.map(({ configMapRef }) => settings.get(configMapRef?.name ?? '') ?? {});
  const own = env.map(({ name, value }) => [name, value ?? secretFor(service, name)] as const);
  return Object.assign({}, ...shared, Object.fromEntries(own)) as Environment;
}

interface Kustomization {
  readonly configMapGenerator?: readonly { readonly name: string; readonly literals?: readonly string[] }[];
}

/** @returns the ConfigMaps that kustomize generates, by name: production over base */
async function readGeneratedSettings(from: string): Promise<Map<string, Environment>> {
  const settings = new Map<string, Environment>();
  for (const layer of ['base', 'production']) {
    const text = await readFile(join(from, layer, 'kustomization.yml'), 'utf8');
    for (const { name, literals = [] } of (parse(text) as Kustomization).configMapGenerator ?? []) {
      const pairs = literals.map((literal) => literal.split(/=(.*)/s, 2) as [string, string]);
      settings.set(name, { ...settings.get(name), ...Object.fromEntries(pairs) });
    }
  }
  return settings;
}

/** The variables of all Services of the namespace and of the API server. */
function serviceLinks(manifests: readonly Manifest[]): Environment {
  const links = manifests
    .filter(({ kind }) => kind === 'Service')
    .map(({ metadata, spec }) => {
      const { ports = [] } = spec as NonNullable<IService['spec']>;
      return linksOf(
        metadata.name,
        ports.map(({ port }) => port),
        ports.map(({ name }) => name),
      );
    });
  return Object.assign(linksOf('kubernetes', [443]), ...links) as Environment;
}

/** As a kubelet names them (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables). */
function linksOf(
  service: string,
  ports: readonly number[],
  names: readonly (string | undefined)[] = [],
): Environment {
  const variable = (text: string) => text.toUpperCase().replaceAll('-', '_');
  const prefix = variable(service);
  const address = '10.43.7.11';
  const links: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: address,
    [`${prefix}_SERVICE_PORT`]: String(ports[0]),
    [`${prefix}_PORT`]: `tcp://${address}:${ports[0]}`,
  };
  for (const [index, port] of ports.entries()) {
    const name = names[index];
    if (name !== undefined) links[`${prefix}_SERVICE_PORT_${variable(name)}`] = String(port);
    Object.assign(links, {
      [`${prefix}_PORT_${port}_TCP`]: `tcp://${address}:${port}`,
      [`${prefix}_PORT_${port}_TCP_PROTO`]: 'tcp',
      [`${prefix}_PORT_${port}_TCP_PORT`]: String(port),
      [`${prefix}_PORT_${port}_TCP_ADDR`]: address,
    });
  }
  return links;
}
