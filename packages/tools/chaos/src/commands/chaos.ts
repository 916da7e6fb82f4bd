import { createTestFolder, removeTestFolder } from '@ticketing/testkit';
import { startCluster } from '../cluster/cluster.ts';
import { runSeed, type SeedReport } from '../run-seed.ts';
import { findVariant } from '../variants/find-variant.ts';
import { startVariant } from '../variants/start-variant.ts';
import { usualProfile } from '../workload/profile.ts';
import { chaosUsage, parseChaosArguments, replayCommand } from './chaos-arguments.ts';

/** How many findings of a seed are shown. */
const findingsShown = 10;

/** `npm run chaos`: seeds on private servers; not 0 when a check has found anything. */
export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    say(chaosUsage.trimEnd());
    return 0;
  }
  const { seeds, seconds, variant: name } = parseChaosArguments(args);
  const variant = name === undefined ? undefined : findVariant(name);
  const profile = { ...usualProfile, ...variant?.profile };
  const folder = await createTestFolder();
  const reports: SeedReport[] = [];
  try {
    await using cluster = await (variant === undefined
      ? startCluster({ folder })
      : startVariant(variant, folder));
    say(
      `${seeds.length} seeds of ${seconds} s: ${cluster.members.length} processes, ${profile.clients} clients`,
    );
    for (const seed of seeds) {
      const report = await runSeed(cluster, profile, seed, seconds);
      reports.push(report);
      tell(report, replayCommand(seed, seconds, name));
    }
  } finally {
    await removeTestFolder(folder);
  }
  const sum = (of: (report: SeedReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  const violations = sum(({ findings }) => findings.length);
  say(
    `total: ${reports.length} seeds, ${sum(({ operations }) => operations)} operations, ` +
      `${sum(({ acknowledged }) => acknowledged)} acknowledged, ${sum(({ unknown }) => unknown)} unknown, ` +
      `${sum(({ faults }) => faults)} faults injected, ${violations} violations`,
  );
  return violations === 0 ? 0 : 1;
}

function tell({ findings, ...report }: SeedReport, replay: string): void {
  say(
    `seed ${report.seed}: ${report.operations} operations, ${report.acknowledged} acknowledged, ` +
      `${report.refused} refused, ${report.unknown} unknown, ${report.faults} faults injected, ` +
      `${findings.length} violations. Again: ${replay}`,
  );
  for (const { check, detail } of findings.slice(0, findingsShown)) say(`  ${check}: ${detail}`);
  if (findings.length > findingsShown) say(`  … and ${findings.length - findingsShown} more`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
