import { readFile } from 'node:fs/promises';

/** The memory that a process has now; NaN where there is no /proc. */
export async function residentMegabytes(pid: number): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}
