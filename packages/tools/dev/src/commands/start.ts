import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { takeProcessLock } from '../../bootstrap/process-lock.mjs';
import { dataFolder, servicePorts, StackError, stopLeftoverServices, stopSignal } from '@ticketing/testkit';
import type { KeptPart } from '../supervisor/keep-running.ts';
import { migrate, seedDemoEvent } from '../supervisor/prepare-database.ts';
import { emptyPrivateServers, keepPostgres, keepRedis } from '../supervisor/private-servers.ts';
import { serverChoice, type ServerChoice } from '../supervisor/server-choice.ts';
import { checkPortsAreFree, serviceAddresses, type ServiceAddress } from '../supervisor/stack-addresses.ts';
import { parseStartArguments, startUsage } from '../supervisor/start-arguments.ts';
import { superviseService } from '../supervisor/supervise-service.ts';

/** `npm start`: the whole system until it is told to stop. */
export async function run(args: readonly string[]): Promise<number> {
  const { fresh, help } = parseStartArguments(args);
  if (help) {
    say(startUsage.trimEnd());
    return 0;
  }
  // Who reads along may go away (`npm start | head -1`); that is no reason to fall over.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  const choice = serverChoice(process.env, fresh);
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
  /** What was started, each group to be stopped together, the last one first. */
  const groups: KeptPart[][] = [];
  try {
    await stopLeftoverServices(folder, say);
    if (fresh) await emptyPrivateServers(folder);
    await checkPortsAreFree(addresses);
    await startAll(folder, choice, addresses, groups, stopping);
    await untilAborted(stopping);
    return 0;
  } catch (error) {
    if (stopping.aborted) return 0;
    throw error;
  } finally {
    for (const group of groups.toReversed()) await Promise.all(group.map((part) => part.stop()));
    lock.release();
    if (stopping.aborted) say('Stopped.');
  }
}

async function startAll(
  folder: string,
  choice: ServerChoice,
  addresses: readonly ServiceAddress[],
  groups: KeptPart[][],
  stopping: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const [databaseUrl, redisUrl] = await allOrFirstFailure([
    choice.databaseUrl ?? keepPostgres(folder, say).then((server) => addAndGetUrl(groups, server)),
    choice.redisUrl ?? keepRedis(folder, say).then((server) => addAndGetUrl(groups, server)),
  ]);
  stopping.throwIfAborted();
  await migrate(choice.migrateDatabaseUrl ?? databaseUrl, say);
  stopping.throwIfAborted();
  const event = await seedDemoEvent({ databaseUrl, redisUrl }, say);
  stopping.throwIfAborted();

  say(`Services write their logs to ${join(folder, 'logs')}; warnings and errors are shown here, too.`);
  await startServices({ folder, databaseUrl, redisUrl, addresses, groups, stopping });
  stopping.throwIfAborted();
  const [bookingApi] = addresses;
  say(`Event "${event.name}": ${bookingApi?.url}/api/v1/events/${event.id}/seats`);
  say(`Try: curl '${bookingApi?.url}/api/v1/seats/available?eventId=${event.id}&limit=3'`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(`ready after ${seconds} s: ${addresses.map(({ name, url }) => `${name} ${url}`).join(', ')}`);
}

/** All at once; when one cannot start, nobody waits for the others. */
async function startServices(stack: {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly addresses: readonly ServiceAddress[];
  readonly groups: KeptPart[][];
  readonly stopping: AbortSignal;
}): Promise<void> {
  const services: KeptPart[] = [];
  stack.groups.push(services);
  const givingUp = new AbortController();
  const failures: unknown[] = [];
  await Promise.all(
    stack.addresses.map(async ({ name, host, port, url }) => {
      const env = {
        ...process.env,
        DATABASE_URL: stack.databaseUrl,
        REDIS_URL: stack.redisUrl,
        HOST: host,
        [servicePorts[name].variable]: String(port),
      };
      const stopping = AbortSignal.any([stack.stopping, givingUp.signal]);
      try {
        services.push(await superviseService({ name, folder: stack.folder, env, url, say, stopping }));
      } catch (error) {
        failures.push(error);
        givingUp.abort();
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}

function addAndGetUrl(groups: KeptPart[][], server: KeptPart & { readonly url: string }): string {
  groups.push([server]);
  return server.url;
}

/** Unlike Promise.all alone it waits for all also when one fails: what they started must be known to be stopped. */
async function allOrFirstFailure<T extends readonly unknown[]>(
  started: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(started);
  return Promise.all(started);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}
