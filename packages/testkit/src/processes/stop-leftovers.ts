import { errorCode } from '../error-code.ts';
import { waitFor } from '../wait-for.ts';
import { StackError } from '../stack-error.ts';
import type { StopPlan } from './stop-process.ts';
import { listProcesses, type ProcessEntry } from './process-table.ts';

export interface LeftoverKind {
  /** For the line that says what is done: "PostgreSQL". */
  readonly nameOf: (entry: ProcessEntry) => string;
  /** True for a process that is surely ours: judged by its command line, never by an old number alone. */
  readonly isOurs: (entry: ProcessEntry) => boolean;
  readonly plan: StopPlan;
}

/** Ends what a killed run left running, so that the next one does not meet it as a riddle. */
export async function stopLeftovers(
  kind: LeftoverKind,
  onProgress?: (message: string) => void,
): Promise<void> {
  const leftovers = (await listProcesses()).filter(
    (entry) => entry.pid !== process.pid && kind.isOurs(entry),
  );
  await Promise.all(
    leftovers.map(async (entry) => {
      const { pid } = entry;
      const name = kind.nameOf(entry);
      onProgress?.(`stopping ${name} (process ${pid}), left over from a run that was killed`);
      for (const [signal, graceMs] of kind.plan) {
        // Frozen, it would not see the signal before it is told to go on.
        if (!sendSignal(pid, signal, name) || !sendSignal(pid, 'SIGCONT', name)) return;
        if (await isGoneWithin(pid, kind, graceMs)) return;
      }
      throw new StackError(`${name} (process ${pid}) of an earlier run does not end; stop it by hand.`);
    }),
  );
}

function sendSignal(pid: number, signal: NodeJS.Signals, name: string): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ESRCH') return false;
    if (code !== 'EPERM') throw error;
    throw new StackError(
      `${name} (process ${pid}) of an earlier run belongs to another user; stop it as that user.`,
      {
        cause: error,
      },
    );
  }
}

async function isGoneWithin(pid: number, kind: LeftoverKind, graceMs: number): Promise<boolean> {
  const isGone = async (): Promise<boolean> =>
    !(await listProcesses()).some((entry) => entry.pid === pid && kind.isOurs(entry));
  try {
    return await waitFor(isGone, { description: `process ${pid} to end`, timeoutMs: graceMs });
  } catch {
    // Not gone in time: the caller goes on to the next signal.
    return false;
  }
}
