import { readFile } from 'node:fs/promises';
import { childrenOf } from '@ticketing/testkit';

/** Of Linux on every machine that Node runs on. */
const microsPerTick = 10_000;

/** The CPU time of these processes so far, user and system together; NaN where there is no /proc. */
export async function cpuMicros(pids: readonly number[]): Promise<number> {
  const ticks = await Promise.all(pids.map(async (pid) => (await readTicks(pid)).own));
  return ticks.reduce((sum, own) => sum + own, 0) * microsPerTick;
}

/** As `cpuMicros`, to the nanosecond where the kernel tells. */
export async function backendMicros(pids: readonly number[]): Promise<number> {
  const micros = pids.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => undefined);
    return text === undefined ? cpuMicros([pid]) : Number(text.split(' ')[0]) / 1_000;
  });
  return (await Promise.all(micros)).reduce((sum, own) => sum + own, 0);
}

/** The CPU time of a process and its children, including children that have exited. */
export async function cpuMicrosOfFamily(pid: number): Promise<number> {
  const before = await readTicks(pid);
  const living = await cpuMicros(await childrenOf(pid));
  const after = await readTicks(pid);
  // A child that exited in between is missing from both counts, or is in both of them.
  if (before.exited !== after.exited) return cpuMicrosOfFamily(pid);
  return (after.own + after.exited) * microsPerTick + living;
}

async function readTicks(pid: number): Promise<{ readonly own: number; readonly exited: number }> {
  if (process.platform !== 'linux') return { own: Number.NaN, exited: Number.NaN };
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // After the name, which is in parentheses and may hold anything; the 14th field of all is utime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15).map(Number);
    return { own: utime + stime, exited: cutime + cstime };
  } catch {
    // The process has exited, and its parent counts it from now on.
    return { own: 0, exited: 0 };
  }
}

/** The memory of a process: now, or the largest so far; NaN where there is no /proc. */
export async function readMegabytes(pid: number, which: 'now' | 'largest'): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const pattern = which === 'now' ? /^VmRSS:\s+(\d+) kB$/m : /^VmHWM:\s+(\d+) kB$/m;
  return Number(pattern.exec(status)?.[1]) / 1_024;
}
