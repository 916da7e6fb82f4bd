import { inspect } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

/** Multiplies every deadline and timeout of the tests: DEADLINE_FACTOR, 1 by default and 3 when CI is set. */
export function deadlineFactor(): number {
  const text = process.env['DEADLINE_FACTOR'] ?? (process.env['CI'] === undefined ? '1' : '3');
  const factor = Number(text);
  if (!(factor >= 1 && factor <= 100))
    throw new Error(`DEADLINE_FACTOR must be a number from 1 to 100, not "${text}".`);
  return factor;
}

export interface WaitForOptions {
  /** Ends the sentence "Waited 5000 ms for …". */
  readonly description: string;
  /** Multiplied by DEADLINE_FACTOR. Default 5000. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Polls a condition and returns its first truthy value. A condition that throws counts as "not yet"; when the time is
 * up, its last error is the cause of the error thrown here.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitForOptions,
): Promise<NonNullable<T>> {
  const { description, timeoutMs = 5_000, intervalMs = 20 } = options;
  const limitMs = timeoutMs * deadlineFactor();
  const startedAt = performance.now();
  for (;;) {
    let last: { readonly value: T } | { readonly error: unknown };
    try {
      const value = await condition();
      if (value) return value;
      last = { value };
    } catch (error) {
      last = { error };
    }
    if (performance.now() - startedAt >= limitMs) {
      const seen = 'error' in last ? `it threw ${String(last.error)}` : `it was ${inspect(last.value)}`;
      const cause = 'error' in last ? { cause: last.error } : {};
      throw new Error(`Waited ${limitMs} ms for ${description}; at the end ${seen}.`, cause);
    }
    await delay(intervalMs);
  }
}

/**
 * Runs `fn` and fails if it takes longer than `limitMs` × DEADLINE_FACTOR. Prints the measured time in either case: the
 * output of a run shows how near each limit is.
 */
export async function withinDeadline<T>(name: string, limitMs: number, fn: () => Promise<T>): Promise<T> {
  const limit = limitMs * deadlineFactor();
  const alarm = new AbortController();
  const startedAt = performance.now();
  const late = delay(limit, undefined, { signal: alarm.signal }).then((): never => {
    throw new Error(`${name}: not done after ${limit} ms.`);
  });
  // When the work wins, nothing awaits the rejection of the aborted alarm.
  late.catch(() => undefined);
  try {
    return await Promise.race([fn(), late]);
  } finally {
    alarm.abort();
    console.log(`${name}: ${(performance.now() - startedAt).toFixed(1)} ms of ${limit} ms`);
  }
}
