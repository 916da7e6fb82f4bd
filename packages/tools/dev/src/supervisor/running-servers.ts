import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, ownerRole } from '@ticketing/testkit';
import { databaseName } from './private-servers.ts';

export interface RunningServers {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/**
 * The private servers of an `npm start` that runs now, by what they themselves keep in their folders; undefined
 * when PostgreSQL does not run.
 */
export function runningServers(folder: string): RunningServers | undefined {
  const postgres = join(folder, 'postgres');
  const pidFile = join(postgres, 'data', 'postmaster.pid');
  const redisConfig = join(folder, 'redis', 'redis.conf');
  if (!existsSync(pidFile) || !existsSync(redisConfig)) return undefined;
  const [pid, , , port] = readFileSync(pidFile, 'utf8').split('\n');
  if (!exists(Number(pid))) return undefined;
  const password = readFileSync(join(postgres, 'password'), 'utf8');
  const config = readFileSync(redisConfig, 'utf8');
  const setting = (name: string) => new RegExp(`^${name} (.+)$`, 'm').exec(config)?.[1];
  return {
    databaseUrl: `postgres://${ownerRole}:${password}@127.0.0.1:${port}/${databaseName}`,
    redisUrl: `redis://:${setting('requirepass')}@127.0.0.1:${setting('port')}/0`,
  };
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
