import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { createTestFolder, removeTestFolder, repositoryRoot, type PrivateStack } from '@ticketing/testkit';
import { figures } from '../figures/figures.ts';
import { decidingFigures } from '../report/goals.ts';
import { firstScreen } from '../report/first-screen.ts';
import { withFewDigits, type BenchReport } from '../report/report.ts';
import { numberText } from '../report/statistics.ts';
import { startRig } from '../rig/rig.ts';
import { planTurns, runTurns } from '../run-turns.ts';
import { benchUsage, parseBenchArguments, type BenchArguments } from './bench-arguments.ts';
import { reportRequestCosts } from './request-costs.ts';
import { reportSale } from './sale.ts';

const names = figures.map(({ name }) => name);
const print = (line: string) => void process.stdout.write(`${line}\n`);

/** `npm run bench`. @returns the exit code, not 0 for an interrupted run */
export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    print(benchUsage(names).trimEnd());
    return 0;
  }
  const settings = parseBenchArguments(args, names);
  const interrupted = waitForInterrupt();
  const folder = await createTestFolder();
  try {
    if (settings.isOfRequestCosts) {
      const { isQuick } = settings;
      return await Promise.race([reportRequestCosts({ folder, isQuick, print }), interrupted]);
    }
    if (settings.isOfSale) {
      const isQuick = settings.effort.scale < 1;
      return await Promise.race([reportSale({ folder, isQuick, print, describe: describeRun }), interrupted]);
    }
    const report = await Promise.race([measure(settings, folder), interrupted]);
    if (typeof report === 'number') {
      print('Interrupted: stopping everything; nothing of this run is kept.');
      return report;
    }
    print(`\n${firstScreen(report)}\n`);
    const file = settings.isKept ? 'docs/performance.json' : '.data/performance.json';
    const path = join(repositoryRoot, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
    print(`${report.machine}\nwritten to ${file}`);
    return 0;
  } finally {
    await removeTestFolder(folder);
  }
}

async function measure(
  { only, rounds, effort, isQuick }: BenchArguments,
  folder: string,
): Promise<BenchReport> {
  await using rig = await startRig({ folder });
  const isChosen = (name: string) =>
    only.length === 0 ? !isQuick || decidingFigures.has(name) : only.includes(name);
  const chosen = figures.filter(({ name }) => isChosen(name));
  const turns = planTurns(chosen, rounds);
  const startedAt = performance.now();
  let done = 0;
  const samples = await runTurns(rig, turns, effort, ({ round, figure }, { perSecond = Number.NaN }) => {
    done += 1;
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const progress = `[${done}/${turns.length}, ${seconds} s]`;
    const rate = Number.isNaN(perSecond) ? '' : `: ${numberText(perSecond)}/s`;
    print(`${progress} round ${round}, ${figure.title}${rate}`);
  });
  const measured = chosen.map(({ name, title }) => {
    return [name, { title, samples: (samples.get(name) ?? []).map(withFewDigits) }] as const;
  });
  return { ...describeRun(rig.stack), rounds, figures: Object.fromEntries(measured) };
}

function describeRun({ postgres, redis }: PrivateStack): Omit<BenchReport, 'rounds' | 'figures'> {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return {
    measuredAt: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: readCommit(),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}, ${gibibytes} GiB, ${type()} ${release()}`,
    versions: { node: process.versions.node, postgresql: postgres.version, redis: redis.version },
  };
}

function readCommit(): string | null {
  try {
    const options = { cwd: repositoryRoot, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim();
  } catch {
    // No clone, or no git: the date says enough.
    return null;
  }
}

/** Resolves with the exit code of an interrupt. Removing the folder then stops every process of the run. */
async function waitForInterrupt(): Promise<number> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(130));
    process.once('SIGTERM', () => resolve(143));
  });
}
