import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot } from '../folders.ts';
import { serverCommand } from '../processes/server-command.ts';
import { adoptProcess, type ServerProcess, type StopPlan } from '../processes/server-process.ts';
import { stopLeftovers } from '../processes/stop-leftovers.ts';
import { StackError } from '../stack-error.ts';
import type { ServiceName } from './service-names.ts';

/**
 * On a large machine V8 lets garbage grow to three times what is in use; the smaller the heap may be, the earlier it
 * collects. Without a limit V8 would take half of a container.
 */
export const serviceHeapMb = 384;

/** The flags of the image. */
export const serviceNodeFlags = [`--max-old-space-size=${serviceHeapMb}`] as const;

export interface SpawnServiceOptions {
  readonly name: ServiceName;
  /** The folder that the process belongs to, see `stopLeftoverServices`. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** How it is stopped. If our process dies, the kernel sends its first signal. */
  readonly plan: StopPlan;
  /** Flags for Node, before the service. */
  readonly nodeFlags?: readonly string[];
  /** Called with each line of output, in the order of its stream. */
  readonly onLine: (line: string) => void;
  /** The service writes this file itself, and `onLine` is not called. */
  readonly logFile?: string | undefined;
}

/** Starts a built service in a process group of its own: Ctrl-C at the terminal reaches us only. */
export async function spawnService(options: SpawnServiceOptions): Promise<ServerProcess> {
  const { name, folder, env, nodeFlags = [], plan, logFile, onLine } = options;
  const entry = join(repositoryRoot, 'apps', name, 'dist', 'server.js');
  if (!existsSync(entry)) throw new StackError(`${name} is not built; run "npm run build".`);
  // A service ignores its arguments; this one marks the process as belonging to the folder.
  const node = [process.execPath, ...serviceNodeFlags, ...nodeFlags, entry, markerOf(folder)];
  const [program = '', ...args] = serverCommand(node, { parentDeathSignal: plan[0][0] });
  const log = logFile === undefined ? undefined : openSync(logFile, 'a', 0o640);
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
  return adoptProcess(child, plan);
}

/** Stops the services that belong to a folder and were left by a killed run. */
export function stopLeftoverServices(folder: string, onProgress?: (message: string) => void): Promise<void> {
  return stopLeftovers((arg) => arg === markerOf(folder), onProgress);
}

export function markerOf(folder: string): string {
  return `--stack=${folder}`;
}
