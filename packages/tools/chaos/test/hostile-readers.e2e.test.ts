import { expect, it } from 'vitest';
import { runHostileReaders } from '../src/hostile/run-hostile-readers.ts';
import { wholeAttack } from '../src/hostile/whole-attack.ts';
import { effort } from './effort.ts';

const attack = { ...wholeAttack, events: 16, seconds: 60 };

// It judges times, so it has the machine to itself: npm run test:faults.
it.runIf(effort.isLong)(
  'buyers hold, pay and release in time while slow readers, lists, maps, live connections and bad bodies attack one process',
  async () => {
    const { findings, ...report } = await runHostileReaders(attack);
    console.log(JSON.stringify(report));
    expect(findings).toEqual([]);
    expect(report.done).toBeGreaterThan(attack.seconds * attack.buyersPerSecond);
  },
  effort.timeoutMs,
);
