import { join, relative } from 'node:path';
import { startPostgres, startRedis } from '@ticketing/testkit';
import { keepRunning, type Kept, type Started } from './keep-running.ts';
import { ensureDatabase } from './prepare-database.ts';

export interface KeptServer extends Kept {
  readonly url: Promise<string>;
}

type Say = (message: string) => void;

/** Runs PostgreSQL on the stack's own data. */
export function keepPostgres(folder: string, say: Say): KeptServer {
  return keepServer('PostgreSQL', join(folder, 'postgres'), say, async (options) => {
    const logFile = join(folder, 'logs', 'postgres.log');
    const server = await startPostgres({ ...options, logFile, durable: true, maxConnections: 100 });
    try {
      await ensureDatabase(server.url('postgres'), 'ticketing');
    } catch (error) {
      await server.stop();
      throw error;
    }
    return { ...server, url: server.url('ticketing') };
  });
}

/** Runs Redis on the stack's own data. */
export function keepRedis(folder: string, say: Say): KeptServer {
  return keepServer('Redis', join(folder, 'redis'), say, async (options) => {
    const logFile = join(folder, 'logs', 'redis.log');
    const server = await startRedis({ ...options, logFile, persistent: true, databases: 16 });
    return { ...server, url: server.url() };
  });
}

interface ServerOptions {
  readonly folder: string;
  readonly onProgress: Say;
  /** The port of the first start: the services keep their URLs over a restart. */
  readonly port: number | undefined;
}

function keepServer(
  name: string,
  folder: string,
  say: Say,
  launch: (options: ServerOptions) => Promise<Started & { port: number; version: string; url: string }>,
): KeptServer {
  let port: number | undefined;
  const start = async () => {
    const server = await launch({ folder, onProgress: say, port });
    if (port === undefined) {
      const inside = relative(process.cwd(), folder);
      const place = inside.startsWith('..') ? folder : inside;
      say(`${name} ${server.version} on 127.0.0.1:${server.port}, data in ${place}`);
    }
    ({ port } = server);
    return server;
  };
  const { first, stop } = keepRunning({ name, say, start });
  return { url: first.then(({ url }) => url), stop };
}
