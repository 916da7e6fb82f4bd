import { setTimeout as delay } from 'node:timers/promises';
import { SeatCoreError, type SeatCoreLogger } from '@ticketing/seat-core';

export interface LoopOptions {
  /** As it appears in the log. */
  readonly name: string;
  readonly everyMs: number;
  readonly logger: SeatCoreLogger;
  /** One round; a long one looks at the signal now and then. */
  readonly round: (stopping: AbortSignal) => Promise<unknown>;
}

export interface Loop {
  /** No new round; waits for the one under way. */
  stop(): Promise<void>;
}

/**
 * Does something again and again, one round at a time, whatever becomes of a round: the next one is the
 * second attempt. A fault that lasts is logged when it begins and when it is over.
 */
export function startLoop({ name, everyMs, logger, round }: LoopOptions): Loop {
  const stopping = new AbortController();
  const { signal } = stopping;
  let failures = 0;

  const runRound = async () => {
    try {
      await round(signal);
      if (failures > 0) logger.info({ loop: name, failures }, 'the loop works again');
      failures = 0;
    } catch (err) {
      failures += 1;
      if (failures > 1) logger.debug({ err, loop: name, failures }, 'a round failed again');
      else
        logger[isOutage(err) ? 'warn' : 'error'](
          { err, loop: name },
          'a round failed; the next one tries again',
        );
    }
  };

  const run = async () => {
    while (!signal.aborted) {
      const startedAt = performance.now();
      await runRound();
      const restMs = Math.max(0, everyMs - (performance.now() - startedAt));
      await delay(restMs, undefined, { signal }).catch(() => undefined);
    }
  };

  const stopped = run();
  return {
    stop: () => {
      stopping.abort();
      return stopped;
    },
  };
}

/** The part that is away is told of by seat-core; all that fails beside it is no error of its own. */
function isOutage(err: unknown): boolean {
  return err instanceof SeatCoreError && err.code === 'DEPENDENCY_UNAVAILABLE';
}
