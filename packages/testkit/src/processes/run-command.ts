import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { StackError } from '../stack-error.ts';
import { adoptProcess, type StopPlan } from './server-process.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Both streams in the order in which they arrived. */
  readonly output: string;
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** How long the command may run; default: as long as it likes. */
  readonly timeoutMs?: number;
}

const stopPlan: StopPlan = [
  ['SIGTERM', 2_000],
  ['SIGKILL', 2_000],
];

/**
 * Runs a short command to its end, which comes with ours at the latest.
 *
 * @throws the reason why the program cannot be started; StackError when its time is up, and it is stopped
 */
export async function runCommand(
  command: readonly string[],
  { timeoutMs, ...options }: CommandOptions = {},
): Promise<CommandResult> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const running = await adoptProcess(child, stopPlan, { leadsGroup: true });
  let isLate = false;
  const timeUp = (): void => {
    isLate = true;
    void running.stop();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(timeUp, timeoutMs);
  const status = await running.exited;
  clearTimeout(timer);
  if (!isLate) return { ...status, output };
  throw new StackError(
    `${basename(program)} did not end within ${Number(timeoutMs) / 1000} s.\n${output}`.trim(),
  );
}
