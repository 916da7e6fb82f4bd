import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { repositoryRoot } from '../folders.ts';
import { adoptProcess, type ServerProcess } from '../processes/adopt-process.ts';
import { serviceCommand } from './service-command.ts';
import type { ServiceName } from './service-name.ts';

export interface SpawnServiceOptions {
  readonly name: ServiceName;
  /** The folder the process is known to belong to. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** What the kernel sends the service if we die without a word. */
  readonly parentDeathSignal: 'SIGTERM' | 'SIGKILL';
  /** For Node itself, before the service. */
  readonly nodeFlags?: readonly string[];
  /** Each line of its output, in the order of its stream. */
  readonly onLine: (line: string) => void;
  /** The service writes into this file itself, and `onLine` hears nothing. */
  readonly logFile?: string;
}

/**
 * Starts a built service in a process group of its own, so that Ctrl-C at the terminal reaches only us.
 * `exited` settles when its output has been read to the end, too.
 */
export async function spawnService(options: SpawnServiceOptions): Promise<ServerProcess> {
  const { name, folder, env, onLine, parentDeathSignal, nodeFlags = [] } = options;
  const [program = '', ...args] = serviceCommand(name, folder, parentDeathSignal, nodeFlags);
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a', 0o640);
  const output = log ?? 'pipe';
  const child = spawn(program, args, {
    cwd: repositoryRoot,
    env,
    detached: true,
    stdio: ['ignore', output, output],
  });
  if (log !== undefined) closeSync(log);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', onLine);
  }
  return adoptProcess(child, parentDeathSignal);
}
