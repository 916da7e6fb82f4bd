import { parseArgs } from 'node:util';

export interface ChaosArguments {
  readonly seeds: readonly number[];
  readonly seconds: number;
  /** The name of a known-bad engine; undefined runs the engine as it is. */
  readonly variant: string | undefined;
  /** Hostile readers instead of seeds and faults. */
  readonly isHostile: boolean;
}

export const chaosUsage = `npm run chaos -- [--seed N | --seed FROM..TO] [--seconds S] [--variant NAME]
npm run chaos -- --hostile-readers [--seconds S]

Runs the engine on servers of its own under load and faults, and checks every answer and row.
  --seed     decides load and faults; default 1
  --seconds  how long the load lasts per seed, 1 to 600; default 20, of hostile readers 300
  --variant  one of the known-bad engines instead of the real one
  --hostile-readers  buyers buy while anonymous readers and an organizer attack one process`;

/** @throws Error with a sentence about the argument that is wrong */
export function parseChaosArguments(args: readonly string[]): ChaosArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string' },
      variant: { type: 'string' },
      'hostile-readers': { type: 'boolean', default: false },
    },
  });
  const [, from = '', to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seed) ?? [];
  const count = Number(to) - Number(from) + 1;
  if (from === '' || count < 1 || count > 10_000) {
    throw new Error(`--seed is a number or a range such as 1..50, not "${values.seed}".`);
  }
  const isHostile = values['hostile-readers'];
  const seconds = Number(values.seconds ?? (isHostile ? 300 : 20));
  if (!(seconds >= 1 && seconds <= 600)) {
    throw new Error(`--seconds is from 1 to 600, not "${values.seconds}".`);
  }
  const seeds = Array.from({ length: count }, (_, index) => Number(from) + index);
  return { seeds, seconds, variant: values.variant, isHostile };
}

/** The command that runs this seed again. */
export function replayCommand(seed: number, seconds: number, variant: string | undefined): string {
  const suffix = variant === undefined ? '' : ` --variant ${variant}`;
  return `npm run chaos -- --seed ${seed} --seconds ${seconds}${suffix}`;
}
