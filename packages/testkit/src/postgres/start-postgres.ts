import { existsSync, readFileSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deadlineFactor } from '../deadlines.ts';
import { serverEnvironment } from '../neutral-environment.ts';
import { listProcesses } from '../processes/process-table.ts';
import { runCommand } from '../processes/run-command.ts';
import {
  preparePrivateFolder,
  removePrivateFolder,
  serverAccount,
  type ServerAccount,
} from '../processes/server-account.ts';
import { serverCommand } from '../processes/server-command.ts';
import { startServer, type StartedServer } from '../processes/start-server.ts';
import { postgresStopPlan, stopLeftovers } from '../processes/stop-leftovers.ts';
import { StackError } from '../stack-error.ts';
import { findPostgres, type PostgresBinaries } from './find-postgres.ts';

export interface PostgresOptions {
  /** Holds the cluster and its password; made if it is not there. */
  readonly folder: string;
  readonly logFile: string;
  /** False for throwaway data only: a crash of the machine may corrupt it. */
  readonly durable: boolean;
  readonly maxConnections: number;
  /** The port to take; else a free one. */
  readonly port?: number | undefined;
  readonly onProgress?: (message: string) => void;
}

export interface PostgresServer extends StartedServer {
  /** Such as "15.18". */
  readonly version: string;
  /** The owner's connection string for a database of this server. */
  readonly url: (database: string) => string;
}

/** The role that owns everything in a private cluster. */
export const ownerRole = 'ticketing';

/** Starts a private PostgreSQL on loopback, with or without data from an earlier run. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { folder, logFile } = options;
  const data = join(folder, 'data');
  const binaries = await findPostgres({ major: await clusterMajor(data) });
  await stopLeftoverPostgres(folder, options.onProgress);
  const account = serverAccount(folder);
  const password = await prepareCluster(folder, binaries, account, options.durable);
  const server = await startServer({
    name: 'PostgreSQL',
    logFile,
    env: serverEnvironment(),
    plan: postgresStopPlan,
    port: options.port,
    prepareCommand: (port) =>
      Promise.resolve(
        serverCommand(postgresCommand(binaries, options, port), {
          account,
          reaches: [data, binaries.postgres],
          parentDeathSignal: 'SIGINT',
        }),
      ),
    // As pg_ctl does: the server writes into its pid file that it takes connections.
    isReady: ({ pid }) => {
      const pidFile = join(data, 'postmaster.pid');
      const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
      return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
    },
  });
  const url = (database: string): string =>
    `postgres://${ownerRole}:${password}@127.0.0.1:${server.port}/${database}`;
  return { ...server, version: binaries.version, url };
}

function postgresCommand(binaries: PostgresBinaries, options: PostgresOptions, port: number): string[] {
  const onIfDurable = options.durable ? 'on' : 'off';
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: options.maxConnections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    deadlock_timeout: '200ms',
    log_lock_waits: 'on',
    fsync: onIfDurable,
    synchronous_commit: onIfDurable,
    full_page_writes: onIfDurable,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return [binaries.postgres, '-D', join(options.folder, 'data'), ...flags];
}

/** The major version that wrote the data, if there is any: no other can read it. */
async function clusterMajor(data: string): Promise<number | undefined> {
  const file = join(data, 'PG_VERSION');
  if (!existsSync(file)) return undefined;
  const version = await readFile(file, 'utf8');
  const major = Number.parseInt(version, 10);
  if (Number.isNaN(major))
    throw new StackError(`${file} names no version of PostgreSQL: the data is damaged.`);
  return major;
}

/**
 * Makes the cluster `folder/data` unless it is there: first under another name, because the result of an interrupted
 * initdb is no cluster.
 *
 * @returns the owner's password
 */
async function prepareCluster(
  folder: string,
  binaries: PostgresBinaries,
  account: ServerAccount | undefined,
  durable: boolean,
): Promise<string> {
  const password = await preparePrivateFolder(folder, account);
  if (existsSync(join(folder, 'data'))) return password;
  const unfinished = join(folder, 'data.unfinished');
  await rm(unfinished, { recursive: true, force: true });
  const initdb = [binaries.initdb, `--pgdata=${unfinished}`, `--username=${ownerRole}`];
  initdb.push(`--pwfile=${join(folder, 'password')}`, '--auth=scram-sha-256');
  initdb.push('--encoding=UTF8', '--locale=C', ...(durable ? [] : ['--no-sync']));
  const command = serverCommand(initdb, {
    account,
    reaches: [folder, binaries.initdb],
    parentDeathSignal: 'SIGTERM',
  });
  const timeoutMs = 60_000 * deadlineFactor();
  const { code, output } = await runCommand(command, { cwd: '/', env: serverEnvironment(), timeoutMs });
  if (code !== 0)
    throw new StackError(`PostgreSQL could not make its data folder ${folder}:\n${output.trim()}`);
  await rename(unfinished, join(folder, 'data'));
  return password;
}

/** Stops a PostgreSQL that still runs on this folder, and removes a pid file that would refuse the next one. */
async function stopLeftoverPostgres(folder: string, onProgress?: (message: string) => void): Promise<void> {
  const data = join(folder, 'data');
  await stopLeftovers((arg) => arg === data, onProgress);
  // PostgreSQL sees that the process of a pid file is dead, but not that another program has its number now: then it
  // would refuse to start.
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
  if ((await listProcesses()).some((entry) => entry.pid === pid)) await rm(pidFile, { force: true });
}

/** Deletes the cluster; a PostgreSQL that a killed run left on it is stopped first. */
export async function emptyPostgres(folder: string): Promise<void> {
  await stopLeftoverPostgres(folder);
  await removePrivateFolder(folder);
}
