import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

// Plain JavaScript: needed before anything is installed or built. For TypeScript its types stand beside it.

/** @param {number} pid */
export function processIdentity(pid) {
  const startedAt = process.platform === 'linux' ? startTicks(pid) : startDate(pid);
  return startedAt === undefined ? undefined : `${pid}-${startedAt}`;
}

/** @param {string} identity */
export function isAlive(identity) {
  const pid = Number.parseInt(identity, 10);
  return pid > 0 && processIdentity(pid) === identity;
}

/** @param {number} pid */
function startTicks(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name is in parentheses and may hold anything, blanks too; the fields follow it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its number lives on.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    // No such process.
    return undefined;
  }
}

/** @param {number} pid */
function startDate(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const startedAt = Date.parse(stdout.trim());
  return Number.isNaN(startedAt) ? undefined : String(startedAt);
}
