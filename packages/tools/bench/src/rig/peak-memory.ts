import { residentMegabytes } from './resident-megabytes.ts';

const everyMs = 250;

/** The most that a process has while something goes on. */
export async function peakMegabytesDuring<T>(
  pid: number,
  work: Promise<T>,
): Promise<{ readonly value: T; readonly peakMb: number }> {
  let peakMb = await residentMegabytes(pid);
  const timer = setInterval(() => {
    void residentMegabytes(pid).then((megabytes) => (peakMb = Math.max(peakMb, megabytes)));
  }, everyMs);
  try {
    const value = await work;
    return { value, peakMb };
  } finally {
    clearInterval(timer);
  }
}
