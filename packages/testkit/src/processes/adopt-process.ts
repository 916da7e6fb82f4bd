import type { ChildProcess } from 'node:child_process';

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly pid: number;
  /** Settles once, when the process is gone and its output read. */
  readonly exited: Promise<ExitStatus>;
  readonly hasExited: () => boolean;
  /** @returns false when the process is gone already */
  readonly signal: (signal: NodeJS.Signals) => boolean;
}

const living = new Set<{ readonly child: ChildProcess; readonly farewell: NodeJS.Signals }>();

// Whoever calls process.exit() without having stopped its servers leaves none running all the same.
process.on('exit', () => {
  for (const { child, farewell } of living) child.kill(farewell);
});

/**
 * Takes charge of a child that was just spawned.
 *
 * @param farewell sent if our process ends without having stopped it
 * @throws what kept the program from being started
 */
export async function adoptProcess(child: ChildProcess, farewell: NodeJS.Signals): Promise<ServerProcess> {
  const entry = { child, farewell };
  living.add(entry);
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('close', (code, signal) => {
      living.delete(entry);
      resolve({ code, signal });
    });
  });
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      living.delete(entry);
      reject(error);
    });
  });
  return {
    pid: child.pid ?? -1,
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    signal: (signal) => child.kill(signal),
  };
}

/** Ends every server of this process at once, without a chance to write anything. */
export function killAdoptedProcesses(): void {
  for (const { child } of living) child.kill('SIGKILL');
}

/** How a process ended, for a sentence: "was killed by SIGKILL", "ended with exit code 1". */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
}
