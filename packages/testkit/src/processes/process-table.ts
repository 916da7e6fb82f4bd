import { readdir, readFile } from 'node:fs/promises';
import { runCommand } from './run-command.ts';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Differs between two processes that had the same number one after the other. */
  readonly startedAt: string;
  /** Empty for a process without a command line, such as one of the kernel. */
  readonly argv: readonly string[];
}

/** All processes of the machine that may be read, without zombies. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  if (process.platform !== 'linux') return listWithPs();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(pids.map(readEntry));
  return entries.filter((entry) => entry !== undefined);
}

/** The direct children of a process. */
export async function childrenOf(pid: number): Promise<number[]> {
  return (await listProcesses()).filter(({ parent }) => parent === pid).map((entry) => entry.pid);
}

/** A process and its start, "4711-88123456": fit for a file name, and never that of a later process. */
export function identityOf({ pid, startedAt }: ProcessEntry): string {
  return `${pid}-${startedAt}`;
}

async function readEntry(pid: number): Promise<ProcessEntry | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The program's name is in parentheses and may hold anything, blanks too; the fields follow it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent] = fields;
    if (state === 'Z') return undefined;
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    return { pid, parent: Number(parent), startedAt: fields[19] ?? '', argv };
  } catch {
    // It ended between the listing and the reading, or another user's process is hidden.
    return undefined;
  }
}

/** Arguments with blanks fall apart here: compare only arguments without any. */
async function listWithPs(): Promise<ProcessEntry[]> {
  const { output } = await runCommand(['ps', '-axww', '-o', 'pid=,ppid=,lstart=,args='], {
    timeoutMs: 20_000,
  });
  return output.split('\n').map((line) => {
    const [pid, parent, ...rest] = line.trim().split(/\s+/);
    const startedAt = rest.slice(0, 5).join('-');
    return { pid: Number(pid), parent: Number(parent), startedAt, argv: rest.slice(5) };
  });
}
