import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { adoptProcess, type ServerProcess } from './adopt-process.ts';

export interface ServerProcessOptions {
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The server writes into this file itself, so that it outlives us in its log too. */
  readonly logFile: string;
  /** Sent if our process ends without having stopped the server. */
  readonly farewell: NodeJS.Signals;
}

/** Starts a server in a process group of its own: Ctrl-C at the terminal reaches us, and we stop it in order. */
export async function spawnServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const [program = '', ...args] = options.command;
  const log = openLog(options.logFile);
  const child = spawn(program, args, {
    // Any folder that the server's account may enter.
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  closeSync(log);
  return adoptProcess(child, options.farewell);
}

/** The log of the run before is kept beside the new one; older ones are not. */
function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o640);
}

/** The end of a log, to be shown when its server did not start. */
export function tailOfLog(path: string, lines = 20): string {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return '';
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
