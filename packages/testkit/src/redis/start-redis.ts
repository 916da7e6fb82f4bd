import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import { Redis } from 'ioredis';
import { giveTo, preparePrivateFolder } from '../processes/private-folder.ts';
import { serverAccount } from '../processes/server-account.ts';
import { serverCommand } from '../processes/server-command.ts';
import { describeExit, type ServerProcess } from '../processes/adopt-process.ts';
import { spawnServerProcess, tailOfLog } from '../processes/server-process.ts';
import { stopProcess, type StopPlan } from '../processes/stop-process.ts';
import { StackError } from '../stack-error.ts';
import { waitFor } from '../wait-for.ts';
import { findRedis } from './find-redis.ts';
import { redisEnvironment } from './redis-binary.ts';
import { stopLeftoverRedis } from './stop-leftover-redis.ts';

export interface RedisOptions {
  /** Holds the configuration and, if persistent, the data; made if it is not there. */
  readonly folder: string;
  readonly logFile: string;
  /** Whether what it holds survives a restart. */
  readonly persistent: boolean;
  /** How many logical databases there are. */
  readonly databases: number;
  /** The port to take; else a free one. */
  readonly port?: number;
  readonly onProgress?: (message: string) => void;
}

export interface RedisServer {
  readonly port: number;
  readonly version: string;
  readonly process: ServerProcess;
  /** Connection string for one of its logical databases. */
  readonly url: (database?: number) => string;
  readonly stop: () => Promise<void>;
}

const stopPlan: StopPlan = [
  ['SIGTERM', 10_000],
  ['SIGKILL', 5_000],
];

/** Starts a private Redis on loopback. Its password stands in a file that only it can read, never on the command line. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { folder } = options;
  const binary = await findRedis({ onProgress: options.onProgress });
  await stopLeftoverRedis(folder, options.onProgress);
  const account = serverAccount(folder);
  const configFile = join(folder, 'redis.conf');
  const password = await preparePrivateFolder(folder, account);
  await mkdir(join(folder, 'data'), { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await getPort({ host: '127.0.0.1' }));
    await rm(configFile, { force: true });
    await writeFile(configFile, redisConfig(options, port, password), { mode: 0o600 });
    await giveTo(account, join(folder, 'data'), configFile);
    const command = serverCommand([binary.program, configFile], {
      account,
      reaches: [configFile, binary.program],
      parentDeathSignal: 'SIGTERM',
    });
    const server = await spawnServerProcess({
      command,
      env: redisEnvironment(binary.libraries),

      logFile: options.logFile,
      farewell: 'SIGTERM',
    });
    const url = (database = 0): string => `redis://:${password}@127.0.0.1:${port}/${database}`;
    try {
      await untilReady(server, url(), options);
      return {
        port,
        version: binary.version,
        process: server,
        url,
        stop: async () => {
          await stopProcess(server, stopPlan);
        },
      };
    } catch (error) {
      await stopProcess(server, stopPlan);
      // The port was free when we asked, and another program was faster.
      const portWasTaken =
        options.port === undefined && tailOfLog(options.logFile).includes('Address already in use');
      if (!portWasTaken || attempt === 3) throw error;
    }
  }
}

function redisConfig(options: RedisOptions, port: number, password: string): string {
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${join(options.folder, 'data').replaceAll(/["\\]/g, String.raw`\$&`)}"`,
    `databases ${options.databases}`,
    // The queue lives here: an evicted job would be a hold that nobody ends.
    'maxmemory-policy noeviction',
    'save ""',
    `appendonly ${options.persistent ? 'yes' : 'no'}`,
    'appendfsync everysec',
    // Its command line keeps naming this file, by which a leftover is known.
    'set-proc-title no',
  ];
  return `${settings.join('\n')}\n`;
}

async function untilReady(server: ServerProcess, url: string, options: RedisOptions): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  // The awaited connect() below reports the same fault.
  client.on('error', () => undefined);
  try {
    await waitFor(
      async () => {
        if (server.hasExited()) return true;
        if (client.status !== 'ready') await client.connect();
        return (await client.ping()) === 'PONG';
      },
      { description: `Redis to start, see ${options.logFile}`, timeoutMs: 60_000 },
    );
  } finally {
    client.disconnect();
  }
  if (server.hasExited()) {
    const how = describeExit(await server.exited);
    throw new StackError(
      `Redis ${how} while starting. The end of ${options.logFile}:\n${tailOfLog(options.logFile)}`,
    );
  }
}

/** Forgets everything that this Redis holds. Its server must not run. */
export async function emptyRedis(folder: string): Promise<void> {
  await stopLeftoverRedis(folder);
  await rm(folder, { recursive: true, force: true });
}
