import { parseArgs } from 'node:util';

export interface ChaosArguments {
  readonly seeds: readonly number[];
  readonly seconds: number;
  /** The name of a known-bad variant of the engine; none is the engine as it is. */
  readonly variant: string | undefined;
}

export const chaosUsage = `npm run chaos -- [--seed N | --seed FROM..TO] [--seconds S] [--variant NAME]

Runs the engine on servers of its own under load and faults, and checks what came of it.
  --seed     decides load and faults; 1 unless given
  --seconds  how long the load lasts per seed, 1 to 600; 20 unless given
  --variant  one of the known-bad engines instead of the real one
`;

/** @throws a sentence about what is wrong with them */
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
  const first = Number(from);
  const last = Number(to);
  if (from === '' || last < first || last - first >= 10_000) {
    throw new Error(`--seed is a number or a range such as 1..50, not "${values.seed}".`);
  }
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 600))
    throw new Error(`--seconds is from 1 to 600, not "${values.seconds}".`);
  const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return { seeds, seconds, variant: values.variant };
}

/** The command that does this one seed again. */
export function replayCommand(seed: number, seconds: number, variant: string | undefined): string {
  const suffix = variant === undefined ? '' : ` --variant ${variant}`;
  return `npm run chaos -- --seed ${seed} --seconds ${seconds}${suffix}`;
}
