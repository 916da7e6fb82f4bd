import { join, relative } from 'node:path';
import { emptyPostgres, emptyRedis, startPostgres, startRedis } from '@ticketing/testkit';
import { keepRunning, type KeptPart } from './keep-running.ts';
import { ensureDatabase } from './prepare-database.ts';

export interface PrivateServer extends KeptPart {
  readonly url: string;
}

type Say = (message: string) => void;

export const databaseName = 'ticketing';

/** PostgreSQL on the stack's own data, started again on the same port if it dies. */
export async function keepPostgres(folder: string, say: Say): Promise<PrivateServer> {
  let port: number | undefined;
  let url = '';
  const part = await keepRunning({
    name: 'PostgreSQL',
    say,
    start: async () => {
      const server = await startPostgres({
        folder: join(folder, 'postgres'),
        logFile: join(folder, 'logs', 'postgres.log'),
        durable: true,
        maxConnections: 100,
        onProgress: say,
        ...(port === undefined ? {} : { port }),
      });
      if (port === undefined) say(describe('PostgreSQL', server, join(folder, 'postgres')));
      ({ port } = server);
      url = server.url(databaseName);
      await ensureDatabase(server.url('postgres'), databaseName);
      return server;
    },
  });
  return { url, stop: part.stop };
}

/** Redis on the stack's own data, started again on the same port if it dies. */
export async function keepRedis(folder: string, say: Say): Promise<PrivateServer> {
  let port: number | undefined;
  let url = '';
  const part = await keepRunning({
    name: 'Redis',
    say,
    start: async () => {
      const server = await startRedis({
        folder: join(folder, 'redis'),
        logFile: join(folder, 'logs', 'redis.log'),
        persistent: true,
        databases: 16,
        onProgress: say,
        ...(port === undefined ? {} : { port }),
      });
      if (port === undefined) say(describe('Redis', server, join(folder, 'redis')));
      ({ port } = server);
      url = server.url();
      return server;
    },
  });
  return { url, stop: part.stop };
}

/** Forgets all that the private servers keep; they must not run. */
export async function emptyPrivateServers(folder: string): Promise<void> {
  await Promise.all([emptyPostgres(join(folder, 'postgres')), emptyRedis(join(folder, 'redis'))]);
}

function describe(name: string, server: { version: string; port: number }, folder: string): string {
  const inside = relative(process.cwd(), folder);
  return `${name} ${server.version} on 127.0.0.1:${server.port}, data in ${inside.startsWith('..') ? folder : inside}`;
}
