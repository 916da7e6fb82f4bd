import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  adoptProcess,
  dataFolder,
  describeExit,
  dropDriverVariables,
  repositoryRoot,
  StackError,
} from '@ticketing/testkit';
import { takeProcessLock } from '../../bootstrap/process-lock.mjs';
import { serversFile } from './start.ts';

const serverVariables = ['DATABASE_URL', 'REDIS_URL', 'QUEUE_REDIS_URL', 'MIGRATE_DATABASE_URL'] as const;

/** `npm run ops`, `npm run audit`: the worker's commands for operators, on the named servers, else on those of `npm start`. */
export async function run(args: readonly string[]): Promise<number> {
  const entry = join(repositoryRoot, 'apps', 'expiry-worker', 'dist', 'ops.js');
  const child = spawn(process.execPath, [entry, ...args], { env: environment(), stdio: 'inherit' });
  // Ctrl-C at the terminal reaches the child, too; we wait for its last words.
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, forward);
  const exit = await (await adoptProcess(child, [['SIGTERM', 10_000]])).exited;
  if (exit.code === null) throw new StackError(`The command ${describeExit(exit)}.`);
  return exit.code;
}

function environment(): NodeJS.ProcessEnv {
  // A named database is not mixed with a private Redis.
  if (serverVariables.some((name) => (process.env[name] ?? '') !== '')) return process.env;
  const folder = dataFolder();
  const file = serversFile(folder);
  if (existsSync(file)) {
    const lock = takeProcessLock(join(folder, 'start.lock'));
    lock.release();
    // Without its holder the file is one that a killed run left.
    if (lock.heldBy !== undefined) {
      dropDriverVariables();
      return { ...process.env, ...(JSON.parse(readFileSync(file, 'utf8')) as NodeJS.ProcessEnv) };
    }
  }
  process.stderr.write('npm start does not run here: name your servers, for example by DATABASE_URL.\n');
  return process.env;
}
