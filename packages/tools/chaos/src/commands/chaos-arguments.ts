import { parseArgs } from 'node:util';

export interface ChaosArguments {
  readonly seeds: readonly number[];
  readonly seconds: number;
  /** The name of a known-bad engine; undefined runs the engine as it is. */
  readonly variant: string | undefined;
}

export const chaosUsage = `npm run chaos -- [--seed N | --seed FROM..TO] [--seconds S] [--variant NAME]

Runs the engine on servers of its own under load and faults, and checks every answer and row.
  --seed     decides load and faults; default 1
  --seconds  how long the load lasts per seed, 1 to 600; default 20
  --variant  one of the known-bad engines instead of the real one`;

/** @throws Error with a sentence about the argument that is wrong */
export function parseChaosArguments(args: readonly string[]): ChaosArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '20' },
      variant: { type: 'string' },
    },
  });
  const [, from = '', to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seed) ?? [];
  const count = Number(to) - Number(from) + 1;
  if (from === '' || count < 1 || count > 10_000) {
    throw new Error(`--seed is a number or a range such as 1..50, not "${values.seed}".`);
  }
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 600)) {
    throw new Error(`--seconds is from 1 to 600, not "${values.seconds}".`);
  }
  const seeds = Array.from({ length: count }, (_, index) => Number(from) + index);
  return { seeds, seconds, variant: values.variant };
}

/** The command that runs this seed again. */
export function replayCommand(seed: number, seconds: number, variant: string | undefined): string {
  const suffix = variant === undefined ? '' : ` --variant ${variant}`;
  return `npm run chaos -- --seed ${seed} --seconds ${seconds}${suffix}`;
}
