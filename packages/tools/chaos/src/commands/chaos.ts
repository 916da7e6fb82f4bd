import { createTestFolder, removeTestFolder } from '@ticketing/testkit';
import { startCluster } from '../cluster/cluster.ts';
import { runSeed, type SeedReport } from '../run-seed.ts';
import { startVariant } from '../variants/run-variant.ts';
import { findVariant } from '../variants/variants.ts';
import { usualProfile } from '../workload/profile.ts';
import { chaosUsage, parseChaosArguments, replayCommand } from './chaos-arguments.ts';
import { soakWithHostileReaders } from './hostile-readers.ts';

/** How many findings of a seed are printed. */
const findingsShown = 10;

/** `npm run chaos`: seeds on private servers. @returns the exit code: not 0 when a check has found anything */
export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    print(chaosUsage);
    return 0;
  }
  const { seeds, seconds, variant: name, isHostile } = parseChaosArguments(args);
  if (isHostile) return soakWithHostileReaders(seconds);
  const variant = name === undefined ? undefined : findVariant(name);
  const profile = { ...usualProfile, ...variant?.profile };
  const folder = await createTestFolder();
  const reports: SeedReport[] = [];
  try {
    await using cluster = await (variant === undefined
      ? startCluster({ folder })
      : startVariant(variant, folder));
    const { length: processes } = cluster.members;
    print(`${seeds.length} seeds of ${seconds} s: ${processes} processes, ${profile.clients} clients`);
    for (const seed of seeds) {
      const report = await runSeed(cluster, profile, seed, seconds);
      reports.push(report);
      print(`seed ${seed}: ${summary([report])}. Again: ${replayCommand(seed, seconds, name)}`);
      const { findings } = report;
      for (const { check, detail } of findings.slice(0, findingsShown)) print(`  ${check}: ${detail}`);
      if (findings.length > findingsShown) print(`  … and ${findings.length - findingsShown} more`);
    }
  } finally {
    await removeTestFolder(folder);
  }
  print(`total: ${reports.length} seeds, ${summary(reports)}`);
  return reports.every(({ findings }) => findings.length === 0) ? 0 : 1;
}

function summary(reports: readonly SeedReport[]): string {
  const sum = (of: (report: SeedReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  return (
    `${sum(({ operations }) => operations)} operations, ${sum(({ acknowledged }) => acknowledged)} acknowledged, ` +
    `${sum(({ refused }) => refused)} refused, ${sum(({ unknown }) => unknown)} unknown, ` +
    `${sum(({ faults }) => faults)} faults injected, ${sum(({ findings }) => findings.length)} violations`
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
