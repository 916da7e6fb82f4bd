import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import getPort from 'get-port';
import {
  listProcesses,
  neutralEnvironment,
  type ProcessEntry,
  repositoryRoot,
  serverCommand,
  servicePorts,
  waitFor,
} from '@ticketing/testkit';

export interface StackRun {
  readonly pid: number;
  readonly output: () => string;
  /** Waits for a line that begins so; fails with all the output if the run ends before. */
  readonly line: (start: string) => Promise<string>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Settles with the exit code, or the signal that ended the run. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

export const bootstrap = join(repositoryRoot, 'packages/tools/dev/bootstrap.mjs');

/** `npm start` as a process, on free ports, with a data folder and a neutral environment. */
export async function startStack(
  dataFolder: string,
  options: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<StackRun> {
  const env: NodeJS.ProcessEnv = { ...neutralEnvironment(), TICKETING_DATA_DIR: dataFolder };
  for (const { variable } of Object.values(servicePorts))
    env[variable] = String(await getPort({ host: '127.0.0.1' }));
  const node = [process.execPath, bootstrap, 'start', ...(options.args ?? [])];
  // If the tests are killed, the stack stops in order.
  const [program = '', ...args] = serverCommand(node, { parentDeathSignal: 'SIGTERM' });
  const child = spawn(program, args, { env: { ...env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  let hasEnded = false;
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
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
      await waitFor(() => hasEnded || find(), { description: `"${start}"`, timeoutMs: 60_000 });
      const found = find();
      if (found === undefined) throw new Error(`The run ended without "${start}":\n${output()}`);
      return found;
    },
  };
}

/** The servers and services that belong to a data folder. */
export async function processesOn(dataFolder: string): Promise<ProcessEntry[]> {
  const isOnFolder = (arg: string): boolean =>
    arg.includes(join(dataFolder, '/')) || arg === `--stack=${dataFolder}`;
  return (await listProcesses()).filter(({ argv }) => argv.some(isOnFolder));
}

/** The address of a service in the ready line. */
export function addressIn(readyLine: string, service: string): string {
  return new RegExp(`${service} (?<url>http://\\S+?),?(?: |$)`).exec(readyLine)?.groups?.['url'] ?? '';
}
