import { parseArgs } from 'node:util';
import type { Effort } from '../figures/figure.ts';

export interface BenchArguments {
  /** The names of the figures to measure; empty for all. */
  readonly only: readonly string[];
  readonly rounds: number;
  readonly effort: Effort;
  /** Only the figures that decide, in less time. */
  readonly isQuick: boolean;
  /** Whether docs/performance.md shows this run. */
  readonly isKept: boolean;
  /** Costs of single requests instead of figures. */
  readonly isOfRequestCosts: boolean;
  /** A whole on-sale instead of figures: `--only sale`. */
  readonly isOfSale: boolean;
}

const fullEffort: Effort = { warmUpMs: 3_000, measureMs: 2_500, scale: 1 };
const quickEffort: Effort = { warmUpMs: 2_000, measureMs: 1_200, scale: 1 };

export function benchUsage(names: readonly string[]): string {
  return `npm run bench -- [--only NAME,…] [--rounds N] [--quick] [--write]
npm run bench -- --only sale [--quick]
npm run bench -- --request-costs [--quick]

Measures the engine on servers of its own, in turns with its yardsticks on the same machine.
  --only     some of ${names.join(', ')}
  --rounds   how often each is measured, 1 to 20; default 3, quick 2
  --quick    the figures of the deciding goals, in two minutes
  --write    keeps the run in docs/performance.json, from which "npm run docs" makes tables and chart
  --only sale      a whole on-sale with a killed process and an emptied Redis, in .data/sale.md and .data/sale.json
  --request-costs  what one request of each route costs, with the largest event, in .data/request-costs.md
`;
}

/** @throws a sentence that says which argument is wrong */
export function parseBenchArguments(args: readonly string[], names: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      'request-costs': { type: 'boolean', default: false },
    },
  });
  const only = values.only.split(',').filter((name) => name !== '');
  const isOfSale = only.join() === 'sale';
  const unknown = isOfSale ? undefined : only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only knows ${names.join(', ')}, and no "${unknown}".`);
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 3));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20)
    throw new Error(`--rounds is from 1 to 20, not "${values.rounds}".`);
  return {
    only,
    rounds,
    effort: values.quick ? quickEffort : fullEffort,
    isQuick: values.quick,
    isKept: values.write,
    isOfRequestCosts: values['request-costs'],
    isOfSale,
  };
}
