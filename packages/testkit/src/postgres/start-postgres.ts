import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import getPort from 'get-port';
import { serverAccount } from '../processes/server-account.ts';
import { serverCommand } from '../processes/server-command.ts';
import { describeExit, type ServerProcess } from '../processes/adopt-process.ts';
import { spawnServerProcess, tailOfLog } from '../processes/server-process.ts';
import { stopProcess, type StopPlan } from '../processes/stop-process.ts';
import { StackError } from '../stack-error.ts';
import { waitFor } from '../wait-for.ts';
import { findPostgres, type PostgresBinaries } from './find-postgres.ts';
import { clusterMajor, ownerRole, prepareCluster } from './prepare-cluster.ts';
import { stopLeftoverPostgres } from './stop-leftover-postgres.ts';

export interface PostgresOptions {
  /** Holds the cluster and its password; made if it is not there. */
  readonly folder: string;
  readonly logFile: string;
  /** False only for data that nobody will miss: a crash of the machine may corrupt it. */
  readonly durable: boolean;
  readonly maxConnections: number;
  /** The port to take; else a free one. */
  readonly port?: number;
  readonly onProgress?: (message: string) => void;
}

export interface PostgresServer {
  readonly port: number;
  readonly version: string;
  readonly process: ServerProcess;
  /** Connection string of the owner for a database of this server. */
  readonly url: (database: string) => string;
  /** Ends open sessions, writes everything out and ends. */
  readonly stop: () => Promise<void>;
}

/** Fast shutdown, then immediate (recovery at the next start), then none at all. */
const stopPlan: StopPlan = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

/** Starts a private PostgreSQL on loopback, with or without data from an earlier run. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { folder } = options;
  const binaries = await findPostgres({ major: await clusterMajor(folder) });
  await stopLeftoverPostgres(folder, options.onProgress);
  const account = serverAccount(folder);
  const password = await prepareCluster(folder, binaries, { account, durable: options.durable });
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await getPort({ host: '127.0.0.1' }));
    const command = serverCommand(postgresCommand(binaries, options, port), {
      account,
      reaches: [join(folder, 'data'), binaries.postgres],
      parentDeathSignal: 'SIGINT',
    });
    const server = await spawnServerProcess({
      command,
      logFile: options.logFile,
      farewell: 'SIGINT',
    });
    try {
      await untilReady(server, options);
      return {
        port,
        version: binaries.version,
        process: server,
        url: (database) => `postgres://${ownerRole}:${password}@127.0.0.1:${port}/${database}`,
        stop: async () => {
          await stopProcess(server, stopPlan);
        },
      };
    } catch (error) {
      await stopProcess(server, stopPlan);
      if (!mayGoBetterNextTime(options) || attempt === 20) throw error;
      await delay(250);
    }
  }
}

function postgresCommand(binaries: PostgresBinaries, options: PostgresOptions, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: String(options.maxConnections),
    timezone: 'UTC',
    log_timezone: 'UTC',
    deadlock_timeout: '200ms',
    log_lock_waits: 'on',
    fsync: options.durable ? 'on' : 'off',
    synchronous_commit: options.durable ? 'on' : 'off',
    full_page_writes: options.durable ? 'on' : 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return [binaries.postgres, '-D', join(options.folder, 'data'), ...flags];
}

/**
 * The port was free when we asked, and another program was faster; or sessions of a killed server have
 * not noticed yet that it is gone, and still hold its shared memory.
 */
function mayGoBetterNextTime(options: PostgresOptions): boolean {
  const log = tailOfLog(options.logFile);
  const portWasTaken = options.port === undefined && log.includes('Address already in use');
  return portWasTaken || log.includes('shared memory block');
}

/** As pg_ctl does: the server writes into its pid file that it takes connections. */
async function untilReady(server: ServerProcess, options: PostgresOptions): Promise<void> {
  const pidFile = join(options.folder, 'data', 'postmaster.pid');
  await waitFor(
    () => {
      if (server.hasExited()) return true;
      if (!existsSync(pidFile)) return false;
      const lines = readFileSync(pidFile, 'utf8').split('\n');
      return lines[0] === String(server.pid) && lines[7]?.trim() === 'ready';
    },
    // Recovery after a crash takes as long as there is log to replay.
    { description: `PostgreSQL to start, see ${options.logFile}`, timeoutMs: 60_000 },
  );
  if (server.hasExited()) {
    const how = describeExit(await server.exited);
    throw new StackError(
      `PostgreSQL ${how} while starting. The end of ${options.logFile}:\n${tailOfLog(options.logFile)}`,
    );
  }
}

/** Forgets everything that the cluster holds. Its server must not run. */
export async function emptyPostgres(folder: string): Promise<void> {
  await stopLeftoverPostgres(folder);
  await rm(folder, { recursive: true, force: true });
}
