import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/**
 * A process, told apart from a later one with the same number: "4711-88123456". Small enough for a
 * file or folder name.
 *
 * @returns undefined when no such process lives
 */
export function processIdentity(pid: number): string | undefined {
  const startedAt = process.platform === 'linux' ? startTicks(pid) : startDate(pid);
  return startedAt === undefined ? undefined : `${pid}-${startedAt}`;
}

/** Whether the process that was given this identity still lives. */
export function isAlive(identity: string): boolean {
  const pid = Number.parseInt(identity, 10);
  return pid > 0 && processIdentity(pid) === identity;
}

function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name is in parentheses and may hold anything, blanks too; the fields follow it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    // No such process.
    return undefined;
  }
}

function startDate(pid: number): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const startedAt = Date.parse(stdout.trim());
  return Number.isNaN(startedAt) ? undefined : String(startedAt);
}
