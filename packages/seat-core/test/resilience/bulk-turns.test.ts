import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BulkTurns, BulkWaiters, type BulkKind } from '../../src/resilience/bulk-turns.ts';

/** Work that takes so many milliseconds, and notes when it began and ended. */
function recordedTurns() {
  const turns = new BulkTurns();
  const log: string[] = [];
  let running = 0;
  let most = 0;
  const run = (kind: BulkKind, name: string, ms = 0) =>
    turns.run(kind, async () => {
      running += 1;
      most = Math.max(most, running);
      log.push(name);
      await delay(ms);
      running -= 1;
      return performance.now();
    });
  return { turns, log, run, most: () => most };
}

describe('BulkTurns', () => {
  it('runs one piece of bulk work at a time, whatever its kind, and goes on after one that failed', async () => {
    const { turns, run, most } = recordedTurns();
    const failing = turns.run('first', () => Promise.reject(new Error('no answer')));
    const others = (['first', 'refresh', 'rendering', 'comparison'] as const).map((kind) =>
      run(kind, kind, 4),
    );
    await expect(failing).rejects.toThrow('no answer');
    await Promise.all(others);
    expect(most()).toBe(1);
  });

  it('lets a known event wait for one new event at most, however many of these there are', async () => {
    const { log, run } = recordedTurns();
    const first = run('first', 'new 0', 1);
    const others = Array.from({ length: 10 }, (_, index) => run('first', `new ${index + 1}`));
    const known = run('refresh', 'known');
    await Promise.all([first, known, ...others]);
    expect(log.slice(0, 3)).toEqual(['new 0', 'known', 'new 1']);
  });

  it('rests after a first reading for as long as it took, before another new event only', async () => {
    const { run } = recordedTurns();
    const startedAt = performance.now();
    const endedAt = await run('first', 'new', 60);
    const next = run('first', 'another new');
    expect((await run('refresh', 'known')) - endedAt).toBeLessThan(50);
    // Timers may be a millisecond early, and 5 ms of work need no rest.
    expect((await next) - startedAt).toBeGreaterThan(59 + 54);
  });

  it('rests before the next refresh for four times as long as refreshing and rendering took', async () => {
    const { turns, run } = recordedTurns();
    await run('refresh', 'reading', 30);
    const endedAt = await run('rendering', 'writing', 40);
    expect(turns.isResting('refresh')).toBe(true);
    // A timer may be a millisecond early.
    expect((await run('refresh', 'reading again')) - endedAt).toBeGreaterThan(4 * (24 + 34) - 40);
  });

  it('compares in the middle of a rest', async () => {
    const { run } = recordedTurns();
    const endedAt = await run('refresh', 'reading', 80);
    expect((await run('comparison', 'comparing')) - endedAt).toBeLessThan(4 * 70);
  });

  it('refuses the first reading of an event behind 20 that wait', async () => {
    const { run } = recordedTurns();
    const admitted = Array.from({ length: 21 }, (_, index) => run('first', `new ${index}`, 1));
    await expect(run('first', 'one too many')).rejects.toMatchObject({ code: 'OVERLOADED' });
    await Promise.all(admitted);
    await expect(run('first', 'later')).resolves.toBeGreaterThan(0);
  });

  it('takes the oldest and the one that most callers wait for by turns', async () => {
    const { turns, log, run } = recordedTurns();
    const busy = run('comparison', 'busy', 5);
    const wanted = [1, 1, 9, 5].map((count, index) =>
      turns.run(
        'refresh',
        async () => void log.push(`event ${index}`),
        () => count,
      ),
    );
    await Promise.all([busy, ...wanted]);
    expect(log).toEqual(['busy', 'event 0', 'event 2', 'event 1', 'event 3']);
  });

  it('does not do what no caller waits for any longer', async () => {
    const { turns, log, run } = recordedTurns();
    const busy = run('comparison', 'busy', 5);
    const abandoned = turns.run(
      'first',
      async () => void log.push('abandoned'),
      () => 0,
    );
    await expect(abandoned).rejects.toMatchObject({ code: 'OVERLOADED' });
    await busy;
    expect(log).toEqual(['busy']);
  });

  it('refuses a caller after four seconds of waiting, while the work goes on', async () => {
    const startedAt = performance.now();
    const work = delay(4_500, 'done');
    const waiters = new BulkWaiters();
    await expect(waiters.wait(work)).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(performance.now() - startedAt).toBeGreaterThan(3_990);
    await expect(waiters.wait(work)).resolves.toBe('done');
  });
});
