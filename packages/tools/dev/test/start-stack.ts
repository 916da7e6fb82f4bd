import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import getPort from 'get-port';
import {
  contractVariables,
  listProcesses,
  type ProcessEntry,
  repositoryRoot,
  serverCommand,
  waitFor,
} from '@ticketing/testkit';

export interface StackRun {
  readonly pid: number;
  readonly output: () => string;
  /** Waits for the line that begins so; fails with all the output if the run ends before. */
  readonly line: (start: string) => Promise<string>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Settles with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** `npm start` as a process of its own, on free ports, with a data folder of its own and a neutral environment. */
export async function startStack(
  dataFolder: string,
  options: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<StackRun> {
  const steering = new Set<string>(contractVariables);
  const env: NodeJS.ProcessEnv = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !steering.has(name)),
  );
  for (const name of ['BOOKING_API_PORT', 'PAYMENT_API_PORT', 'EXPIRY_WORKER_PORT']) {
    env[name] = String(await getPort({ host: '127.0.0.1' }));
  }
  const bootstrap = join(repositoryRoot, 'packages/tools/dev/bootstrap.mjs');
  const [program = '', ...args] = serverCommand(
    [process.execPath, bootstrap, 'start', ...(options.args ?? [])],
    // If the tests are killed, this stops in order.
    { account: undefined, reaches: [], parentDeathSignal: 'SIGTERM' },
  );
  const child = spawn(program, args, {
    env: { ...env, TICKETING_DATA_DIR: dataFolder, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  let hasEnded = false;
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      hasEnded = true;
      resolve(signal ?? code);
    });
  });
  const output = (): string => lines.join('\n');
  return {
    pid: child.pid ?? -1,
    output,
    ended,
    signal: (signal) => child.kill(signal),
    line: async (start) => {
      const find = (): string | undefined => lines.find((line) => line.startsWith(start));
      await waitFor(() => hasEnded || find() !== undefined, { description: `"${start}"`, timeoutMs: 60_000 });
      const found = find();
      if (found === undefined) throw new Error(`The run ended without "${start}":\n${output()}`);
      return found;
    },
  };
}

/** Servers and services that work on a data folder. */
export async function processesOn(dataFolder: string): Promise<ProcessEntry[]> {
  const isOnFolder = (arg: string): boolean =>
    arg.startsWith(join(dataFolder, '/')) || arg === `--stack=${dataFolder}`;
  return (await listProcesses()).filter(({ argv }) => argv.some(isOnFolder));
}

/** The address that the ready line gives for a service. */
export function addressIn(readyLine: string, service: string): string {
  return new RegExp(`${service} (?<url>http://\\S+?),?(?: |$)`).exec(readyLine)?.groups?.['url'] ?? '';
}
