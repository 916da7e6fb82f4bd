import { readdir, readFile } from 'node:fs/promises';

/** What a service holds at a moment; megabytes of 2^20 bytes. NaN when it did not tell. */
export interface Vitals {
  readonly rssMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly unsentMb: number;
  readonly descriptors: number;
}

/** Memory and descriptors from /proc, so that a service too busy to answer is still seen; the rest from its metrics. */
export async function readVitals({ pid, url }: { pid: number; url: string }): Promise<Vitals> {
  const metrics = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) })
    .then((response) => response.text())
    .catch(() => '');
  const megabytes = (name: RegExp): number => {
    const values = metrics
      .split('\n')
      .filter((line) => name.test(line))
      .map((line) => Number(line.split(' ').at(-1)));
    return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / 2 ** 20;
  };
  return {
    rssMb: await residentMegabytes(pid, 'VmRSS'),
    heapMb: megabytes(/^nodejs_heap_size_used_bytes\b/),
    externalMb: megabytes(/^nodejs_external_memory_bytes\b/),
    unsentMb: megabytes(/^\w*unsent\w*_bytes\b/),
    descriptors: await countDescriptors(pid),
  };
}

/** @param which now, or the most that there ever was */
export async function residentMegabytes(pid: number, which: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_024;
}

export async function countDescriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}
