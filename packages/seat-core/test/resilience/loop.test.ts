import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SeatCoreError } from '../../src/errors.ts';
import { startLoop } from '../../src/resilience/loop.ts';
import { createRecordingLogger } from '../fixtures/recording-logger.ts';

it('a loop repeats its round, one at a time', async () => {
  const { logger } = createRecordingLogger();
  let rounds = 0;
  let underway = 0;
  let most = 0;
  const round = async () => {
    most = Math.max(most, (underway += 1));
    await delay(5);
    underway -= 1;
    rounds += 1;
  };
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round });
  await expect.poll(() => rounds).toBeGreaterThan(3);
  await loop.stop();
  expect(most).toBe(1);
});

it('a loop goes on after an error, which is logged when it begins and when it is over', async () => {
  const { lines, logger } = createRecordingLogger();
  let rounds = 0;
  const round = async () => {
    rounds += 1;
    if (rounds <= 3) throw new Error('no connection');
    await Promise.resolve();
  };
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round });
  await expect.poll(() => rounds).toBeGreaterThan(4);
  await loop.stop();
  expect(lines.filter(({ level }) => level !== 'debug')).toMatchObject([
    { level: 'error', message: 'loop round failed; the next round tries again', fields: { loop: 'sweep' } },
    { level: 'info', message: 'loop recovered', fields: { loop: 'sweep', failures: 3 } },
  ]);
});

it('a loop logs an outage, which the circuit breaker logs itself, as a warning', async () => {
  const { lines, logger } = createRecordingLogger();
  let rounds = 0;
  const round = async () => {
    rounds += 1;
    if (rounds === 1) throw new SeatCoreError('DEPENDENCY_UNAVAILABLE', 'no answer');
    await Promise.resolve();
  };
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round });
  await expect.poll(() => rounds).toBeGreaterThan(2);
  await loop.stop();
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'loop round failed; the next round tries again'],
    ['info', 'loop recovered'],
  ]);
});

it('a loop stops at once while it waits for its next round', async () => {
  const { logger } = createRecordingLogger();
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

it('a loop stops when the round under way is done', async () => {
  const { logger } = createRecordingLogger();
  let finish = () => {};
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let isStopped = false;
  const loop = startLoop({ name: 'sweep', everyMs: 1, logger, round: () => work });
  const stopped = loop.stop().then(() => {
    isStopped = true;
  });
  await delay(10);
  expect(isStopped).toBe(false);
  finish();
  await stopped;
});
