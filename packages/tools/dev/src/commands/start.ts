import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  dataFolder,
  emptyPostgres,
  emptyRedis,
  servicePorts,
  StackError,
  stopLeftoverServices,
  stopSignal,
} from '@ticketing/testkit';
import { takeProcessLock } from '../../bootstrap/process-lock.mjs';
import type { Kept } from '../supervisor/keep-running.ts';
import { keepPostgres, keepRedis, type KeptServer } from '../supervisor/keep-servers.ts';
import { keepService } from '../supervisor/keep-service.ts';
import { migrate, seedDemoEvent } from '../supervisor/prepare-database.ts';
import { checkPortsAreFree, serviceAddresses, type ServiceAddress } from '../supervisor/service-addresses.ts';
import { startOptions, type StartOptions } from '../supervisor/start-options.ts';

/** `npm start`: runs the whole system until Ctrl-C. */
export async function run(args: readonly string[]): Promise<number> {
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

  const stopping = stopSignal(say);
  /** Everything that was started; each group is stopped together, the last group first. */
  const groups: Kept[][] = [];
  try {
    await stopLeftoverServices(folder, say);
    if (options.fresh) {
      await Promise.all([emptyPostgres(join(folder, 'postgres')), emptyRedis(join(folder, 'redis'))]);
    }
    await checkPortsAreFree(addresses);
    await startAll(folder, options, addresses, groups, stopping);
    await new Promise((resolve) => {
      if (stopping.aborted) resolve(undefined);
      else stopping.addEventListener('abort', resolve, { once: true });
    });
    return 0;
  } catch (error) {
    if (stopping.aborted) return 0;
    throw error;
  } finally {
    for (const group of groups.toReversed()) await Promise.all(group.map((kept) => kept.stop()));
    rmSync(serversFile(folder), { force: true });
    lock.release();
    if (stopping.aborted) say('Stopped.');
  }
}

/** Holds DATABASE_URL and REDIS_URL of a running `npm start`, for `npm run ops`; closed to other users. */
export function serversFile(folder: string): string {
  return join(folder, 'servers.json');
}

async function startAll(
  folder: string,
  options: StartOptions,
  addresses: readonly ServiceAddress[],
  groups: Kept[][],
  stopping: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const keep = async (server: Promise<KeptServer>): Promise<string> => {
    const kept = await server;
    groups.push([kept]);
    return kept.url;
  };
  const [databaseUrl, redisUrl] = await allOrFirstFailure([
    options.databaseUrl ?? keep(keepPostgres(folder, say)),
    options.redisUrl ?? keep(keepRedis(folder, say)),
  ]);
  stopping.throwIfAborted();
  await migrate(options.migrateDatabaseUrl ?? databaseUrl, say);
  stopping.throwIfAborted();
  const event = await seedDemoEvent({ databaseUrl, redisUrl }, say);
  stopping.throwIfAborted();

  say(`Services write their logs to ${join(folder, 'logs')}; warnings and errors are shown here, too.`);
  const urls = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
  writeFileSync(serversFile(folder), JSON.stringify(urls), { mode: 0o600 });
  const services: Kept[] = [];
  groups.push(services);
  const givingUp = new AbortController();
  await allOrFirstFailure(
    addresses.map(async (address) => {
      const { name, host, port } = address;
      const env = { ...process.env, ...urls, HOST: host, [servicePorts[name].variable]: String(port) };
      try {
        const signal = AbortSignal.any([stopping, givingUp.signal]);
        services.push(await keepService({ address, folder, env, say, stopping: signal }));
      } catch (error) {
        // The others need not become ready; the abort reason is the error to report.
        givingUp.abort(error);
        throw givingUp.signal.reason as Error;
      }
    }),
  );
  stopping.throwIfAborted();
  const url = addresses[0]?.url;
  say(`Event "${event.name}": ${url}/api/v1/events/${event.id}/seats`);
  say(`Try: curl '${url}/api/v1/seats/available?eventId=${event.id}&limit=3'`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(`ready after ${seconds} s: ${addresses.map((address) => `${address.name} ${address.url}`).join(', ')}`);
}

/** Unlike Promise.all, waits for all when one fails: whatever the others started must be in `groups` to be stopped. */
async function allOrFirstFailure<T extends readonly unknown[]>(
  started: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(started);
  return Promise.all(started);
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}
