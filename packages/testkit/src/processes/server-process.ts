import type { ChildProcess } from 'node:child_process';

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Signals in rising order of force, each with the time that the process has before the next one. */
export type StopPlan = readonly [StopStep, ...StopStep[]];
type StopStep = readonly [signal: NodeJS.Signals, graceMs: number];

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

const living = new Map<ChildProcess, StopPlan>();
let isEnding = false;

// A caller of process.exit() that did not stop its servers leaves none running.
process.on('exit', () => {
  for (const [child, [[signal]]] of living) child.kill(signal);
});

/**
 * Takes charge of a child that was just spawned. If this process ends first, the child gets the first signal of the plan.
 *
 * @throws the reason why the program could not be started
 */
export async function adoptProcess(child: ChildProcess, plan: StopPlan): Promise<ServerProcess> {
  living.set(child, plan);
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('close', (code, signal) => {
      living.delete(child);
      resolve({ code, signal });
    });
  });
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      living.delete(child);
      reject(error);
    });
  });
  if (isEnding) child.kill('SIGKILL');
  return {
    pid: child.pid ?? -1,
    exited,
    hasExited: () => hasExited(child),
    signal: (signal) => child.kill(signal),
    stop: async () => {
      await stopByPlan(child, plan, exited);
      return exited;
    },
  };
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stopByPlan(child: ChildProcess, plan: StopPlan, exited: Promise<unknown>): Promise<void> {
  for (const [signal, graceMs] of plan) {
    if (hasExited(child)) return;
    child.kill(signal);
    child.kill('SIGCONT');
    await settledWithin(exited, graceMs);
  }
}

/**
 * For the end of a program that may still be starting processes: stops those that run, and kills each later one at its
 * birth.
 */
export async function stopAdoptedProcesses(): Promise<void> {
  isEnding = true;
  await Promise.all(
    [...living].map(([child, plan]) =>
      stopByPlan(child, plan, new Promise((resolve) => child.once('close', resolve))),
    ),
  );
}

/** Kills every adopted process at once, without a chance to write anything. */
export function killAdoptedProcesses(): void {
  for (const child of living.keys()) child.kill('SIGKILL');
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
