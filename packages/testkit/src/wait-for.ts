import { inspect } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { deadlineFactor } from './deadline-factor.ts';

export interface WaitForOptions {
  /** What is awaited, to end the sentence "waited 5000 ms for …". */
  readonly description: string;
  /** Multiplied by DEADLINE_FACTOR. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Asks again and again until the condition gives something truthy, and returns that. A throwing
 * condition counts as "not yet"; its last error is the cause of the one thrown when the time is up.
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
