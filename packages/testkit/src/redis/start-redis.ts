import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverEnvironment } from '../neutral-environment.ts';
import {
  giveTo,
  preparePrivateFolder,
  removePrivateFolder,
  serverAccount,
} from '../processes/server-account.ts';
import { serverCommand } from '../processes/server-command.ts';
import { startServer, type StartedServer } from '../processes/start-server.ts';
import { stopLeftovers, usualStopPlan } from '../processes/stop-leftovers.ts';
import { findRedis } from './find-redis.ts';
import { withRedis } from './with-redis.ts';

export interface RedisOptions {
  /** Holds the configuration and, if persistent, the data; made if it is not there. */
  readonly folder: string;
  readonly logFile: string;
  /** Whether the data survives a restart. */
  readonly persistent: boolean;
  /** The number of logical databases. */
  readonly databases: number;
  /** Further lines of its configuration, such as `cluster-enabled yes`. */
  readonly settings?: readonly string[];
  /** The port to take; else a free one. */
  readonly port?: number | undefined;
  readonly onProgress?: (message: string) => void;
}

export interface RedisServer extends StartedServer {
  readonly version: string;
  /** The connection string of one of its logical databases, by default 0. */
  readonly url: (database?: number) => string;
}

/** Starts a private Redis on loopback. Its password stands in a file for its account only, never on the command line. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { folder, onProgress } = options;
  const binary = await findRedis(onProgress);
  await stopLeftoverRedis(folder, onProgress);
  const account = serverAccount(folder);
  const configFile = join(folder, 'redis.conf');
  const password = await preparePrivateFolder(folder, account);
  await mkdir(join(folder, 'data'), { recursive: true });
  const urlOf = (port: number, database = 0): string => `redis://:${password}@127.0.0.1:${port}/${database}`;
  const server = await startServer({
    name: 'Redis',
    logFile: options.logFile,
    env: { ...serverEnvironment(), ...binary.env },
    plan: usualStopPlan,
    port: options.port,
    prepareCommand: async (port) => {
      await rm(configFile, { force: true });
      await writeFile(configFile, redisConfig(options, port, password), { mode: 0o600 });
      await giveTo(account, join(folder, 'data'), configFile);
      return serverCommand([binary.program, configFile], {
        account,
        reaches: [configFile, binary.program],
        parentDeathSignal: 'SIGTERM',
      });
    },
    isReady: (_server, port) => withRedis(urlOf(port), async (redis) => (await redis.ping()) === 'PONG'),
  });
  return { ...server, version: binary.version, url: (database) => urlOf(server.port, database) };
}

function redisConfig(options: RedisOptions, port: number, password: string): string {
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${join(options.folder, 'data').replaceAll(/["\\]/g, String.raw`\$&`)}"`,
    `databases ${options.databases}`,
    // The queue lives here: with an evicted job a hold would stay until the sweep.
    'maxmemory-policy noeviction',
    'save ""',
    `appendonly ${options.persistent ? 'yes' : 'no'}`,
    'appendfsync everysec',
    // Its command line keeps naming the configuration file, by which a leftover is recognised.
    'set-proc-title no',
    ...(options.settings ?? []),
  ];
  return `${settings.join('\n')}\n`;
}

/** Stops a Redis that still runs on this folder: two of them would write one append-only file. */
function stopLeftoverRedis(folder: string, onProgress?: (message: string) => void): Promise<void> {
  const configFile = join(folder, 'redis.conf');
  return stopLeftovers((arg) => arg === configFile, onProgress);
}

/** Deletes all its data; a Redis that a killed run left on it is stopped first. */
export async function emptyRedis(folder: string): Promise<void> {
  await stopLeftoverRedis(folder);
  await removePrivateFolder(folder);
}
