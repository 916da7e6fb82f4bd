import type { ExitStatus, ServerProcess } from './adopt-process.ts';

/** Signals in rising order of force, each with the time it is given. */
export type StopPlan = readonly (readonly [signal: NodeJS.Signals, graceMs: number])[];

/** Ends a process: the next signal of the plan is sent only when the one before has had its time. */
export async function stopProcess(
  server: Pick<ServerProcess, 'exited' | 'hasExited' | 'signal'>,
  plan: StopPlan,
): Promise<ExitStatus> {
  for (const [signal, graceMs] of plan) {
    if (server.hasExited()) break;
    server.signal(signal);
    await settledWithin(server.exited, graceMs);
  }
  return server.exited;
}

async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, timeUp]);
  clearTimeout(timer);
}
