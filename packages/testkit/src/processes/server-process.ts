import type { ChildProcess } from 'node:child_process';

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Signals in rising order of force, each with the time that the process has before the next one. */
export type StopPlan = readonly [StopStep, ...StopStep[]];
type StopStep = readonly [signal: NodeJS.Signals, graceMs: number];

export interface AdoptOptions {
  /** The child leads a process group, which signals reach as a whole: a killed child leaves no child of its own. */
  readonly leadsGroup?: boolean;
}

export interface ServerProcess {
  readonly pid: number;
  /** Settles once, when the process is gone and its output read. */
  readonly exited: Promise<ExitStatus>;
  readonly hasExited: () => boolean;
  /** @returns false when the process is gone already */
  readonly signal: (signal: NodeJS.Signals) => boolean;
  /** Ends the process by its plan and waits; a frozen one is thawed first. */
  readonly stop: () => Promise<ExitStatus>;
}

interface Adopted extends Pick<ServerProcess, 'exited' | 'hasExited' | 'signal'> {
  readonly plan: StopPlan;
}

const living = new Map<ChildProcess, Adopted>();
let isEnding = false;

// A caller of process.exit() that did not stop its servers leaves none running.
process.on('exit', () => {
  for (const { signal, plan } of living.values()) signal(plan[0][0]);
});

/**
 * Takes charge of a child that was just spawned. If this process ends first, the child gets the first signal of the plan.
 *
 * @throws the reason why the program could not be started
 */
export async function adoptProcess(
  child: ChildProcess,
  plan: StopPlan,
  { leadsGroup = false }: AdoptOptions = {},
): Promise<ServerProcess> {
  const adopted: Adopted = {
    plan,
    // The leader of a group may end before the others, who hold its output open.
    hasExited: () => (leadsGroup ? !living.has(child) : child.exitCode !== null || child.signalCode !== null),
    signal: (signal) => (leadsGroup ? signalGroup(child, signal) : child.kill(signal)),
    exited: new Promise<ExitStatus>((resolve) => {
      child.once('close', (code, signal) => {
        living.delete(child);
        resolve({ code, signal });
      });
    }),
  };
  living.set(child, adopted);
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      living.delete(child);
      reject(error);
    });
  });
  const { exited, hasExited, signal } = adopted;
  if (isEnding) signal('SIGKILL');
  const stop = async (): Promise<ExitStatus> => {
    await stopByPlan(adopted);
    return exited;
  };
  return { pid: child.pid ?? -1, exited, hasExited, signal, stop };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    // The whole group has ended.
    return false;
  }
}

async function stopByPlan({ plan, exited, hasExited, signal }: Adopted): Promise<void> {
  for (const [force, graceMs] of plan) {
    if (hasExited()) return;
    signal(force);
    signal('SIGCONT');
    await settledWithin(exited, graceMs);
  }
}

/**
 * For the end of a program that may still be starting processes: stops those that run, and kills each later one at its
 * birth.
 */
export async function stopAdoptedProcesses(): Promise<void> {
  isEnding = true;
  await Promise.all([...living.values()].map(stopByPlan));
}

/** Kills every adopted process at once, without a chance to write anything. */
export function killAdoptedProcesses(): void {
  for (const { signal } of living.values()) signal('SIGKILL');
}

/** How a process ended, for a sentence: "was killed by SIGKILL", "ended with exit code 1". */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
}

async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, timeUp]);
  clearTimeout(timer);
}
