import { createTestFolder, removeTestFolder } from '@ticketing/testkit';
import { runHostileReaders, type Progress } from '../hostile/run-hostile-readers.ts';
import { wholeAttack } from '../hostile/whole-attack.ts';

/** `npm run chaos -- --hostile-readers`. @returns the exit code: not 0 when a check has found anything */
export async function soakWithHostileReaders(seconds: number): Promise<number> {
  const folder = await createTestFolder();
  try {
    print(`making ${wholeAttack.events} events of ${wholeAttack.seats} seats, then ${seconds} s of attack`);
    const report = await runHostileReaders({
      ...wholeAttack,
      seconds,
      folder,
      onProgress: (progress) => print(progressLine(progress)),
    });
    for (const [name, counts] of Object.entries(report.outcomes)) print(`${name}: ${JSON.stringify(counts)}`);
    const { findings, done, calm, peakMb, p50Ms, p99Ms, slowestMs } = report;
    for (const { check, detail } of findings) print(`  ${check}: ${detail}`);
    const verdict = findings.length === 0 ? 'passed' : `failed with ${findings.length} findings`;
    print(`buyers before the attack: p50 ${ms(calm.p50Ms)}, p99 ${ms(calm.p99Ms)}`);
    const times = `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, slowest ${ms(slowestMs)}`;
    print(`${verdict}: ${done} requests of buyers done, ${times}; at most ${mb(peakMb)} of 512 MB`);
    return findings.length === 0 ? 0 : 1;
  } finally {
    await removeTestFolder(folder);
  }
}

function progressLine(progress: Progress): string {
  const { seconds, rssMb, heapMb, externalMb, unsentMb, descriptors } = progress;
  const memory = `rss ${mb(rssMb)}, heap ${mb(heapMb)}, external ${mb(externalMb)}, unsent ${mb(unsentMb)}`;
  const { done, failed, p50Ms, p99Ms } = progress;
  const buyers = `buyers ${done} done, ${failed} failed, p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`;
  return `${String(Math.round(seconds)).padStart(4)} s: ${memory}, ${descriptors} descriptors, ${buyers}`;
}

function mb(megabytes: number): string {
  return Number.isNaN(megabytes) ? '–' : `${Math.round(megabytes)} MB`;
}

function ms(milliseconds: number): string {
  return Number.isNaN(milliseconds) ? '–' : `${Math.round(milliseconds)} ms`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
