import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../options.ts';
import { longestRepairSeconds, repairCache } from './repair.ts';

/** Writes of the last moments before an outage was noticed may be lost, too. */
const marginSeconds = 5;
/** Until what others sent before the outage has arrived. */
const secondLookMs = 1_000;

/**
 * Makes what repairs the keys of all seats touched during an outage of Redis, once and a second later again. When
 * Redis goes away during that, the next repair begins where this one did.
 *
 * @param stopping ends the wait for the second look
 */
export function createOutageRepair(
  context: Context,
  stopping: AbortSignal,
): (awayMs: number) => Promise<void> {
  let owedSince: number | null = null;
  return async (awayMs) => {
    const since = (owedSince ??= performance.now() - awayMs);
    const repair = () => {
      const seconds = Math.ceil((performance.now() - since) / 1_000) + marginSeconds;
      return repairCache(context, { sinceSeconds: Math.min(seconds, longestRepairSeconds) });
    };
    await repair();
    await delay(secondLookMs, undefined, { signal: stopping, ref: false }).catch(() => undefined);
    if (stopping.aborted) return;
    await repair();
    owedSince = null;
  };
}
