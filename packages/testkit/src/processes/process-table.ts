import { readdir, readFile } from 'node:fs/promises';
import { runCommand } from './run-command.ts';

export interface ProcessEntry {
  readonly pid: number;
  /** The command line as it is now: a number read from an old file may by now belong to another program. */
  readonly argv: readonly string[];
}

/** All processes of the machine whose command line may be read. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  if (process.platform !== 'linux') return listWithPs();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(pids.map(readEntry));
  return entries.filter((entry) => entry !== undefined);
}

async function readEntry(pid: number): Promise<ProcessEntry | undefined> {
  try {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    // A zombie has ended already; it waits only to be counted by its parent.
    return argv.length <= 1 ? undefined : { pid, argv: argv.slice(0, -1) };
  } catch {
    // It ended between the listing and the reading, or is none of our business.
    return undefined;
  }
}

/** Arguments with blanks fall apart here; those who compare must compare what has none. */
async function listWithPs(): Promise<ProcessEntry[]> {
  const { output } = await runCommand(['ps', '-axww', '-o', 'pid=,args=']);
  return output
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, ...argv]) => ({ pid: Number(pid), argv }));
}
