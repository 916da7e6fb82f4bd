import { describe, expect, it } from 'vitest';
import { planFaults } from '../src/faults/fault-plan.ts';
import { createRandom } from '../src/random.ts';
import { usualProfile } from '../src/workload/profile.ts';

describe('a seed', () => {
  it('gives the same chances each time, and others than its neighbour', () => {
    const draw = (seed: number) => Array.from({ length: 20 }, createRandom(seed).next);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('gives each part of a run chances of its own', () => {
    const untouched = createRandom(7).fork('faults').next();
    const random = createRandom(7);
    for (let index = 0; index < 10; index += 1) random.fork('buyer').next();
    expect(random.fork('faults').next()).toBe(untouched);
  });

  it('draws every number of a range about as often', () => {
    const random = createRandom(3);
    const counts = [0, 0, 0, 0];
    for (let index = 0; index < 4_000; index += 1) counts[random.between(0, 3)]! += 1;
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it('plans the same faults each time, of some kinds and not of others', () => {
    const plan = (seed: number) => planFaults(createRandom(seed), usualProfile, 20);
    expect(plan(5)).toEqual(plan(5));
    expect(plan(5)).not.toEqual(plan(6));
    const kinds = new Set(plan(5).map(({ kind }) => kind));
    expect(kinds.size).toBeGreaterThan(1);
    expect(kinds.size).toBeLessThanOrEqual(usualProfile.faultKinds);
    // Over some seeds everything happens.
    const all = new Set(Array.from({ length: 30 }, (_, seed) => plan(seed).map(({ kind }) => kind)).flat());
    expect(all.size).toBe(usualProfile.faults.length);
  });
});
