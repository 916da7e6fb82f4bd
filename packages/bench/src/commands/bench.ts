import { createTestFolder, removeTestFolder } from '@ticketing/dev-stack';
import { figures } from '../figures/figures.ts';
import { numberText } from '../report/number-text.ts';
import { figureRows, goalRows } from '../report/report-tables.ts';
import { terminalTable } from '../report/terminal-table.ts';
import { startRig } from '../rig/rig.ts';
import { planTurns, runTurns } from '../run-turns.ts';
import { benchUsage, parseBenchArguments } from './bench-arguments.ts';

const names = figures.map(({ name }) => name);

/** `npm run bench`: measures, tells, and is not 0 when what was measured does not count. */
export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    say(benchUsage(names).trimEnd());
    return 0;
  }
  const { only, rounds, effort } = parseBenchArguments(args, names);
  const chosen = figures.filter(({ name }) => only.length === 0 || only.includes(name));
  const interrupted = onInterrupt();
  const folder = await createTestFolder();
  try {
    const measured = await Promise.race([measure(), interrupted]);
    if (typeof measured === 'number') return measured;
    say(`\n${terminalTable(figureRows(chosen, measured))}\n`);
    say(terminalTable(goalRows(measured)));
    return 0;
  } finally {
    await removeTestFolder(folder);
  }

  async function measure() {
    await using rig = await startRig({ folder });
    const turns = planTurns(chosen, rounds);
    let done = 0;
    return await runTurns(rig, turns, effort, ({ round, figure }, sample) => {
      const rate = numberText(sample.perSecond ?? Number.NaN);
      say(`[${++done}/${turns.length}] round ${round}, ${figure.title}: ${rate}/s`);
    });
  }
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
