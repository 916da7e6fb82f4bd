import { readFile } from 'node:fs/promises';
import { childrenOf } from '@ticketing/testkit';

/** Of Linux on every machine that Node runs on. */
const microsPerTick = 10_000;

/** The CPU time that processes have had so far, in user and system together; NaN where there is no /proc. */
export async function cpuMicros(pids: readonly number[]): Promise<number> {
  const ticks = await Promise.all(pids.map(async (pid) => (await readTicks(pid)).own));
  return ticks.reduce((sum, own) => sum + own, 0) * microsPerTick;
}

/** The same of a process with its children, those that have ended included. */
export async function cpuMicrosOfFamily(pid: number): Promise<number> {
  const before = await readTicks(pid);
  const living = await cpuMicros(await childrenOf(pid));
  const after = await readTicks(pid);
  // A child that ended in between was missed by both counts, or is in both of them.
  if (before.ended !== after.ended) return cpuMicrosOfFamily(pid);
  return (after.own + after.ended) * microsPerTick + living;
}

async function readTicks(pid: number): Promise<{ readonly own: number; readonly ended: number }> {
  if (process.platform !== 'linux') return { own: Number.NaN, ended: Number.NaN };
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // After the name, which is in parentheses and may hold anything; the 14th field of all is utime.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return { own: utime + stime, ended: cutime + cstime };
  } catch {
    // It has ended, and its parent counts it from now on.
    return { own: 0, ended: 0 };
  }
}
