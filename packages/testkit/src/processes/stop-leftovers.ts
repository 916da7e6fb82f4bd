import { basename, join } from 'node:path';
import { waitFor } from '../deadlines.ts';
import { errorCode, StackError } from '../stack-error.ts';
import { identityOf, listProcesses, type ProcessEntry } from './process-table.ts';
import type { StopPlan } from './server-process.ts';

/** Fast shutdown, then immediate (recovery at the next start), then none at all. */
export const postgresStopPlan: StopPlan = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

export const usualStopPlan: StopPlan = [
  ['SIGTERM', 10_000],
  ['SIGKILL', 5_000],
];

/** What we start, by program. An editor that has a server's file open carries the folder in its command line, too. */
const names: Readonly<Record<string, (argv: readonly string[]) => string>> = {
  postgres: () => 'PostgreSQL',
  'redis-server': () => 'Redis',
  'valkey-server': () => 'Redis',
  prometheus: () => 'Prometheus',
  // A service is node …/apps/<name>/dist/server.js --stack=<folder>.
  node: (argv) => basename(join(argv.at(-2) ?? '', '../..')),
};

/**
 * Stops servers and services that a killed run left. Everything we start carries its folder in its command line; by
 * that, and not by a number in an old file, a leftover is recognised.
 */
export async function stopLeftovers(
  isOurs: (arg: string) => boolean,
  onProgress?: (message: string) => void,
): Promise<void> {
  const leftovers = (await listProcesses()).filter(
    ({ pid, argv }) => pid !== process.pid && basename(argv[0] ?? '') in names && argv.some(isOurs),
  );
  await Promise.all(leftovers.map((entry) => stopLeftover(entry, onProgress)));
}

async function stopLeftover(entry: ProcessEntry, onProgress?: (message: string) => void): Promise<void> {
  const { pid, argv } = entry;
  const program = basename(argv[0] ?? '');
  const name = names[program]?.(argv) ?? program;
  onProgress?.(`stopping ${name} (process ${pid}), left over from a run that was killed`);
  for (const [signal, graceMs] of program === 'postgres' ? postgresStopPlan : usualStopPlan) {
    // A frozen process sees the signal only after SIGCONT.
    if (!sendSignal(pid, signal, name) || !sendSignal(pid, 'SIGCONT', name)) return;
    if (await isGoneWithin(entry, graceMs)) return;
  }
  throw new StackError(`${name} (process ${pid}) of an earlier run does not end; stop it by hand.`);
}

function sendSignal(pid: number, signal: NodeJS.Signals, name: string): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ESRCH') return false;
    if (code !== 'EPERM') throw error;
    const message = `${name} (process ${pid}) of an earlier run belongs to another user; stop it as that user.`;
    throw new StackError(message, { cause: error });
  }
}

async function isGoneWithin(entry: ProcessEntry, graceMs: number): Promise<boolean> {
  const isGone = async (): Promise<boolean> =>
    !(await listProcesses()).some((other) => identityOf(other) === identityOf(entry));
  return waitFor(isGone, { description: `process ${entry.pid} to end`, timeoutMs: graceMs }).catch(
    () => false,
  );
}
