import { describe, expect, it } from 'vitest';
import { parseChaosArguments, replayCommand } from '../src/commands/chaos-arguments.ts';
import { planFaults } from '../src/faults/fault-plan.ts';
import { createRandom } from '../src/random.ts';
import { usualProfile } from '../src/workload/profile.ts';

describe('npm run chaos', () => {
  it.each([
    [[], { seeds: [1], seconds: 20, variant: undefined, isHostile: false }],
    [['--hostile-readers'], { seeds: [1], seconds: 300, variant: undefined, isHostile: true }],
    [
      ['--seed=3..5', '--seconds', '3'],
      { seeds: [3, 4, 5], seconds: 3, variant: undefined, isHostile: false },
    ],
    [
      replayCommand(7, 20, 'no-sweep').split(' ').slice(4),
      { seeds: [7], seconds: 20, variant: 'no-sweep', isHostile: false },
    ],
  ])('understands %j', (args, expected) => {
    expect(parseChaosArguments(args)).toEqual(expected);
  });

  it.each([[['--seed', '5..3']], [['--seed', 'x']], [['--seconds', '0']], [['--speed', '1']], [['7']]])(
    'refuses %j',
    (args) => {
      expect(() => parseChaosArguments(args)).toThrow(Error);
    },
  );
});

describe('a seed', () => {
  const plan = (seed: number) => planFaults(createRandom(seed), usualProfile, 20);

  it('plans the same faults each time, and other faults than its neighbour', () => {
    expect(plan(5)).toEqual(plan(5));
    expect(plan(5)).not.toEqual(plan(6));
  });

  it('gives each user of a run chances of its own', () => {
    const random = createRandom(7);
    for (let index = 0; index < 10; index += 1) random.fork('buyer').next();
    expect(random.fork('faults').next()).toBe(createRandom(7).fork('faults').next());
  });

  it('plans some kinds of faults and not others, and over 30 seeds all of them', () => {
    expect(new Set(plan(5).map(({ kind }) => kind)).size).toBeLessThanOrEqual(usualProfile.faultKinds);
    const all = new Set(Array.from({ length: 30 }, (_, seed) => plan(seed).map(({ kind }) => kind)).flat());
    expect(all.size).toBe(usualProfile.faults.length);
  });
});
