import { setTimeout as sleep } from 'node:timers/promises';
import { SeatCoreError, type SeatCore } from '@ticketing/seat-core';
import { expect, test } from 'vitest';
import { startLoop } from '../src/start-loop.ts';
import { startLoops } from '../src/start-loops.ts';

function recorder() {
  const lines: [level: string, message: string][] = [];
  const write = (level: string) => (_fields: object, message: string) => void lines.push([level, message]);
  return {
    lines,
    logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
  };
}

test('goes round again and again, one round at a time', async () => {
  const { logger } = recorder();
  let rounds = 0;
  let underway = 0;
  let most = 0;
  const round = async () => {
    most = Math.max(most, (underway += 1));
    await sleep(5);
    underway -= 1;
    rounds += 1;
  };
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round });
  await expect.poll(() => rounds).toBeGreaterThan(3);
  await loop.stop();
  expect(most).toBe(1);
});

test('goes on after a fault, which is logged when it begins and when it is over', async () => {
  const { lines, logger } = recorder();
  let rounds = 0;
  const round = async () => {
    rounds += 1;
    if (rounds <= 3) throw new Error('no connection');
    await Promise.resolve();
  };
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round });
  await expect.poll(() => rounds).toBeGreaterThan(4);
  await loop.stop();
  expect(lines.filter(([level]) => level !== 'debug')).toEqual([
    ['error', 'a round failed; the next one tries again'],
    ['info', 'the loop works again'],
  ]);
});

test('warns of a part that is away, which others tell as what it is', async () => {
  const { lines, logger } = recorder();
  let rounds = 0;
  const round = async () => {
    rounds += 1;
    if (rounds === 1) throw new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'no answer');
    await Promise.resolve();
  };
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round });
  await expect.poll(() => rounds).toBeGreaterThan(2);
  await loop.stop();
  expect(lines).toEqual([
    ['warn', 'a round failed; the next one tries again'],
    ['info', 'the loop works again'],
  ]);
});

test('stops at once while it rests', async () => {
  const { logger } = recorder();
  let rounds = 0;
  const loop = startLoop({
    name: 'sweep',
    everyMs: 60_000,
    logger,
    round: async () => Promise.resolve(rounds++),
  });
  await expect.poll(() => rounds).toBe(1);
  await loop.stop();
  expect(rounds).toBe(1);
});

test('stops when the round under way is done', async () => {
  const { logger } = recorder();
  let finish = () => {};
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let isStopped = false;
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round: () => work });
  const stopped = loop.stop().then(() => {
    isStopped = true;
  });
  await sleep(10);
  expect(isStopped).toBe(false);
  finish();
  await stopped;
});

test('sweeps and purges on without a pause while a round was full', async () => {
  const { logger } = recorder();
  const ended = [500, 500, 3];
  let sweeps = 0;
  const purged = [1_000, 1_000, 1_000, 0];
  let purges = 0;
  const core = {
    sweepOverdue: () => Promise.resolve(ended[sweeps++] ?? 0),
    repairCache: () => Promise.resolve(0),
    measureClockOffset: () => Promise.resolve(0),
    purgeIdempotencyKeys: () => Promise.resolve(purged[purges++] ?? 0),
  } as unknown as SeatCore;
  const loops = startLoops(core, logger);
  await sleep(100);
  await loops.stop();
  expect(sweeps).toBe(3);
  expect(purges).toBe(4);
});
