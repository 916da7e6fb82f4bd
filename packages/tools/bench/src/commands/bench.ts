import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createTestFolder, removeTestFolder, repositoryRoot } from '@ticketing/testkit';
import { figures } from '../figures/figures.ts';
import { roundsOf, withFewDigits, type BenchReport } from '../report/bench-report.ts';
import { describeRun } from '../report/describe-run.ts';
import { numberText } from '../report/number-text.ts';
import { figureRows, goalRows } from '../report/report-tables.ts';
import { terminalTable } from '../report/terminal-table.ts';
import { startRig } from '../rig/rig.ts';
import { planTurns, runTurns } from '../run-turns.ts';
import { benchUsage, parseBenchArguments, type BenchArguments } from './bench-arguments.ts';

const names = figures.map(({ name }) => name);

/** `npm run bench`: measures, tells, and is not 0 when what was measured does not count. */
export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    say(benchUsage(names).trimEnd());
    return 0;
  }
  const settings = parseBenchArguments(args, names);
  const interrupted = onInterrupt();
  const folder = await createTestFolder();
  try {
    const report = await Promise.race([measure(settings, folder), interrupted]);
    if (typeof report === 'number') {
      say('Interrupted: stopping everything; nothing of this run is kept.');
      return report;
    }
    const rounds = roundsOf(report);
    const chosen = Object.entries(report.figures).map(([name, { title }]) => ({ name, title }));
    say(`\n${terminalTable(figureRows(chosen, rounds))}\n`);
    say(`${terminalTable(goalRows(rounds))}\n`);
    const file = settings.isKept ? 'docs/performance.json' : '.data/performance.json';
    await write(join(repositoryRoot, file), report);
    say(`${report.machine}\nwritten to ${file}`);
    return 0;
  } finally {
    await removeTestFolder(folder);
  }
}

async function measure({ only, rounds, effort }: BenchArguments, folder: string): Promise<BenchReport> {
  await using rig = await startRig({ folder });
  const chosen = figures.filter(({ name }) => only.length === 0 || only.includes(name));
  const turns = planTurns(chosen, rounds);
  const startedAt = performance.now();
  let done = 0;
  const samples = await runTurns(rig, turns, effort, ({ round, figure }, { perSecond = Number.NaN }) => {
    done += 1;
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    say(
      `[${done}/${turns.length}, ${seconds} s] round ${round}, ${figure.title}: ${numberText(perSecond)}/s`,
    );
  });
  return {
    ...(await describeRun(rig.stack)),
    rounds,
    figures: Object.fromEntries(
      chosen.map(({ name, title }) => [
        name,
        { title, samples: (samples.get(name) ?? []).map(withFewDigits) },
      ]),
    ),
  };
}

async function write(file: string, report: BenchReport): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}

/** The exit code, once somebody wants it to end; what was started is then stopped with its folder. */
async function onInterrupt(): Promise<number> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(130));
    process.once('SIGTERM', () => resolve(143));
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
