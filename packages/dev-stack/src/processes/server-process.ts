import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly pid: number;
  /** Settles once, when the process is gone. */
  readonly exited: Promise<ExitStatus>;
  readonly hasExited: () => boolean;
  /** @returns false when the process is gone already */
  readonly signal: (signal: NodeJS.Signals) => boolean;
}

export interface ServerProcessOptions {
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd: string;
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
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', log, log],
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  closeSync(log);
  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const sayFarewell = (): void => {
    if (!hasExited()) child.kill(options.farewell);
  };
  process.once('exit', sayFarewell);
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signal) => {
      process.removeListener('exit', sayFarewell);
      resolve({ code, signal });
    });
  });
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return { pid: child.pid ?? -1, exited, hasExited, signal: (signal) => child.kill(signal) };
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

/** How a process ended, for a sentence: "killed by SIGKILL", "ended with exit code 1". */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
}
