/**
 * When work that repeats may start again: after its period, and after a rest of `restFactor` times what it took. Work
 * with a rest factor of 4 costs at most a fifth of the time of one core, however slow it gets.
 *
 * @returns in `performance.now()` terms
 */
export function nextStartAt(run: {
  readonly startedAt: number;
  readonly tookMs: number;
  readonly everyMs: number;
  readonly restFactor: number;
}): number {
  return run.startedAt + Math.max(run.everyMs, run.tookMs * (1 + run.restFactor));
}
