import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import getPort from 'get-port';
import { waitFor } from '../deadlines.ts';
import { StackError } from '../stack-error.ts';
import { adoptProcess, describeExit, type ServerProcess, type StopPlan } from './server-process.ts';

export interface SpawnOptions {
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The server writes this file itself: its last words are there even if we die first. */
  readonly logFile: string;
  readonly plan: StopPlan;
}

/** Starts a server in a process group of its own: Ctrl-C at the terminal reaches us only, and we stop the server in order. */
export async function spawnServer(options: SpawnOptions): Promise<ServerProcess> {
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
  return adoptProcess(child, options.plan);
}

export interface StartServerOptions extends Omit<SpawnOptions, 'command'> {
  /** For sentences: "Redis". */
  readonly name: string;
  /** The port to take; else a free one. */
  readonly port?: number | undefined;
  readonly prepareCommand: (port: number) => Promise<readonly string[]>;
  readonly isReady: (server: ServerProcess, port: number) => boolean | Promise<boolean>;
}

export interface StartedServer {
  readonly port: number;
  readonly process: ServerProcess;
  readonly stop: () => Promise<void>;
}

/** Starts a server and waits until it is ready. @throws StackError with the end of its log */
export async function startServer(options: StartServerOptions): Promise<StartedServer> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await getPort({ host: '127.0.0.1' }));
    const server = await spawnServer({ ...options, command: await options.prepareCommand(port) });
    try {
      await untilReady(server, port, options);
      return { port, process: server, stop: async () => void (await server.stop()) };
    } catch (error) {
      await server.stop();
      if (attempt === 20 || !mayWorkNextTime(options)) throw error;
      await delay(250);
    }
  }
}

/**
 * Another program took the port between our check and the start; or sessions of a killed PostgreSQL have not yet
 * noticed that their server is gone, and still hold its shared memory.
 */
function mayWorkNextTime({ port, logFile }: StartServerOptions): boolean {
  const log = tailOfLog(logFile);
  return (
    (port === undefined && log.includes('Address already in use')) || log.includes('shared memory block')
  );
}

async function untilReady(server: ServerProcess, port: number, options: StartServerOptions): Promise<void> {
  const { name, logFile, isReady } = options;
  // Recovery after a crash takes as long as there is log to replay.
  await waitFor(() => server.hasExited() || isReady(server, port), {
    description: `${name} to start, see ${logFile}`,
    timeoutMs: 60_000,
  });
  if (!server.hasExited()) return;
  const how = describeExit(await server.exited);
  throw new StackError(`${name} ${how} while starting. The end of ${logFile}:\n${tailOfLog(logFile)}`);
}

/** Keeps the log of the run before as `.1`, and no older one. */
function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o640);
}

/** The last lines of a log; empty when there is no log. */
export function tailOfLog(path: string, lines = 20): string {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return '';
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
