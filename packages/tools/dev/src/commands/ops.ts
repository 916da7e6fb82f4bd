import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { adoptProcess, dataFolder, describeExit, repositoryRoot, StackError } from '@ticketing/testkit';
import { runningServers } from '../supervisor/running-servers.ts';

const serverVariables = ['DATABASE_URL', 'REDIS_URL', 'QUEUE_REDIS_URL', 'MIGRATE_DATABASE_URL'] as const;

/** `npm run ops`, `npm run audit`: the worker's commands for operators, on the servers that are named, else on those of `npm start`. */
export async function run(args: readonly string[]): Promise<number> {
  const entry = join(repositoryRoot, 'apps', 'expiry-worker', 'dist', 'ops.js');
  const child = spawn(process.execPath, [entry, ...args], { env: environment(), stdio: 'inherit' });
  // Ctrl-C at the terminal reaches the child, too; what it says at its end is to be seen.
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, forward);
  const exit = await (await adoptProcess(child, 'SIGTERM')).exited;
  if (exit.code === null) throw new StackError(`The command ${describeExit(exit)}.`);
  return exit.code;
}

function environment(): NodeJS.ProcessEnv {
  // One that is named means all are: a foreign database is not mixed with a private Redis.
  const isNamed = serverVariables.some((name) => (process.env[name] ?? '') !== '');
  const servers = isNamed ? undefined : runningServers(dataFolder());
  if (servers === undefined) {
    if (!isNamed)
      process.stderr.write('npm start does not run here: name your servers, for example by DATABASE_URL.\n');
    return process.env;
  }
  return { ...process.env, DATABASE_URL: servers.databaseUrl, REDIS_URL: servers.redisUrl };
}
