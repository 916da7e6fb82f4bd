import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  dataFolder,
  dropDriverVariables,
  emptyPostgres,
  emptyRedis,
  killAdoptedProcesses,
  servicePorts,
  StackError,
  stopAdoptedProcesses,
  stopLeftoverServices,
  stopSignal,
} from '@ticketing/testkit';
import { takeProcessLock } from '../../bootstrap/process-lock.mjs';
import type { Kept } from '../supervisor/keep-running.ts';
import { keepPostgres, keepRedis, type KeptServer } from '../supervisor/keep-servers.ts';
import { keepService, type KeptService } from '../supervisor/keep-service.ts';
import { checkRedis, ensureServiceRole, migrate, seedDemoEvent } from '../supervisor/prepare-database.ts';
import { checkPortsAreFree, serviceAddresses, type ServiceAddress } from '../supervisor/service-addresses.ts';
import { startOptions, type StartOptions } from '../supervisor/start-options.ts';

/** How long a start that failed or was interrupted may take to stop what it has started. */
const hurriedStopMs = 8_000;

/** Everything that was started, from the moment when its start began. */
interface Stack {
  readonly servers: Kept[];
  readonly services: Kept[];
}

/** `npm start`: runs the whole system until Ctrl-C. */
export async function run(args: readonly string[]): Promise<number> {
  const stopping = stopSignal(say);
  const options = startOptions(args, process.env);
  if (options.help !== undefined) {
    say(options.help);
    return 0;
  }
  // The reader of our output may go away (`npm start | head -1`); we go on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  const addresses = serviceAddresses(process.env);
  const folder = dataFolder();
  mkdirSync(folder, { recursive: true });
  const lock = takeProcessLock(join(folder, 'start.lock'));
  if (lock.heldBy !== undefined) {
    throw new StackError(
      `npm start is already running here, as process ${lock.heldBy}. Stop that with Ctrl-C in its terminal or with "kill ${lock.heldBy}".`,
    );
  }

  const interrupted = new Promise<void>((resolve) => {
    stopping.addEventListener('abort', () => resolve(), { once: true });
  });
  const stack: Stack = { servers: [], services: [] };
  let isReady = false;
  try {
    // A start that is interrupted is left where it is: its processes are stopped, and it can start no more of them.
    await Promise.race([
      startAll(folder, options, addresses, stack, stopping).then(() => (isReady = true)),
      interrupted,
    ]);
    await interrupted;
    return 0;
  } catch (error) {
    if (stopping.aborted) return 0;
    throw error;
  } finally {
    await stopAll(stack, isReady ? undefined : hurriedStopMs);
    rmSync(serversFile(folder), { force: true });
    lock.release();
    if (stopping.aborted) say('Stopped.');
  }
}

/** Holds the URLs of the servers of a running `npm start`, for `npm run ops`; closed to other users. */
export function serversFile(folder: string): string {
  return join(folder, 'servers.json');
}

async function startAll(
  folder: string,
  options: StartOptions,
  addresses: readonly ServiceAddress[],
  { servers, services }: Stack,
  stopping: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const step = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    stopping.throwIfAborted();
    return result;
  };
  if (options.databaseUrl === undefined) {
    const dropped = dropDriverVariables();
    if (dropped.length > 0)
      say(`${dropped.join(', ')}: ignored, because PostgreSQL is a private one. DATABASE_URL names another.`);
  }
  await step(stopLeftoverServices(folder, say));
  if (options.fresh) {
    await step(Promise.all([emptyPostgres(join(folder, 'postgres')), emptyRedis(join(folder, 'redis'))]));
  }
  await step(checkPortsAreFree(addresses));
  if (options.redisUrl !== undefined) await step(checkRedis(options.redisUrl));
  const keep = (server: KeptServer): Promise<string> => {
    servers.push(server);
    return server.url;
  };
  const [ownerUrl, redisUrl] = await step(
    Promise.all([
      options.migrateDatabaseUrl ?? keep(keepPostgres(folder, say)),
      options.redisUrl ?? keep(keepRedis(folder, say)),
    ]),
  );
  const databaseUrl = options.databaseUrl ?? (await step(ensureServiceRole(ownerUrl)));
  await step(migrate({ ownerUrl, serviceUrl: databaseUrl }, say));
  const event = await step(seedDemoEvent({ databaseUrl, redisUrl }, say));

  say(`Services write their logs to ${join(folder, 'logs')}; warnings and errors are shown here, too.`);
  const urls = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
  const serversOfOps = { ...urls, MIGRATE_DATABASE_URL: ownerUrl };
  writeFileSync(serversFile(folder), JSON.stringify(serversOfOps), { mode: 0o600 });
  const starting = addresses.map((address): KeptService => {
    const { name, host, port } = address;
    const env = { ...process.env, ...urls, HOST: host, [servicePorts[name].variable]: String(port) };
    return keepService({ address, folder, env, say });
  });
  services.push(...starting);
  await step(Promise.all(starting.map(({ ready }) => ready)));
  const url = addresses[0]?.url;
  say(`Event "${event.name}": ${url}/api/v1/events/${event.id}/seats`);
  say(`Try: curl '${url}/api/v1/seats/available?eventId=${event.id}&limit=3'`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(`ready after ${seconds} s: ${addresses.map((address) => `${address.name} ${address.url}`).join(', ')}`);
}

/** Stops the services, then their servers and whatever else still runs. @param limitMs when the rest is killed */
async function stopAll({ services, servers }: Stack, limitMs: number | undefined): Promise<void> {
  const timer = limitMs === undefined ? undefined : setTimeout(killAdoptedProcesses, limitMs);
  await Promise.all(services.map(({ stop }) => stop()));
  await Promise.all([...servers.map(({ stop }) => stop()), stopAdoptedProcesses()]);
  clearTimeout(timer);
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}
