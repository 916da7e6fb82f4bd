import type { Context } from '../options.ts';
import { DependencyAwayError } from './circuit-breaker.ts';

/** The longest an answer waits for work on Redis that it does not depend on. */
const budgetMs = 250;

/**
 * Waits for work beside an answer, for a short while only; then it goes on in the background. Never
 * rejects: a failure is logged, and sweep, repair and the lifetimes of keys make up for it.
 */
export async function withinBudget(context: Context, work: Promise<unknown>): Promise<void> {
  const settled = work
    .catch((err: unknown) => {
      // Of an outage the log tells once, when it begins.
      const level = err instanceof DependencyAwayError ? 'debug' : 'warn';
      context.logger[level]({ err }, 'work beside an answer failed');
    })
    .finally(() => context.background.delete(settled));
  context.background.add(settled);
  let timer: NodeJS.Timeout | undefined;
  const budget = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, budgetMs);
  });
  await Promise.race([settled, budget]);
  clearTimeout(timer);
}
