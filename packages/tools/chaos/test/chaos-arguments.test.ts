import { describe, expect, it } from 'vitest';
import { parseChaosArguments, replayCommand } from '../src/commands/chaos-arguments.ts';

describe('npm run chaos', () => {
  it.each([
    [[], { seeds: [1], seconds: 20, variant: undefined }],
    [['--seed', '7', '--seconds', '3'], { seeds: [7], seconds: 3, variant: undefined }],
    [['--seed=3..5'], { seeds: [3, 4, 5], seconds: 20, variant: undefined }],
    [['--variant', 'no-sweep'], { seeds: [1], seconds: 20, variant: 'no-sweep' }],
  ])('understands %j', (args, expected) => {
    expect(parseChaosArguments(args)).toEqual(expected);
  });

  it.each([[['--seed', '5..3']], [['--seed', 'x']], [['--seconds', '0']], [['--speed', '1']], [['7']]])(
    'refuses %j',
    (args) => {
      expect(() => parseChaosArguments(args)).toThrow(Error);
    },
  );

  it('says how to do a seed again', () => {
    const command = replayCommand(7, 20, 'no-sweep');
    expect(parseChaosArguments(command.split(' ').slice(4))).toEqual({
      seeds: [7],
      seconds: 20,
      variant: 'no-sweep',
    });
  });
});
