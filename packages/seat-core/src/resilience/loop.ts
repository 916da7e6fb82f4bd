import { setTimeout as delay } from 'node:timers/promises';
import { SeatCoreError } from '../errors.ts';
import type { SeatCoreLogger } from '../options.ts';

export interface LoopOptions {
  /** As it appears in the log. */
  readonly name: string;
  /** From the start of a round to the start of the next, in ms; a longer round is followed by the next at once. */
  readonly everyMs: number;
  readonly logger: SeatCoreLogger;
  /** One round. A long round looks at the signal now and then. */
  readonly round: (stopping: AbortSignal) => Promise<unknown>;
}

export interface Loop {
  /** Starts no new round, and waits for the round under way. */
  stop(): Promise<void>;
}

/**
 * Repeats a round, one at a time. A failed round is tried again by the next one. Failures that last are logged when
 * they begin and when they end.
 */
export function startLoop({ name, everyMs, logger, round }: LoopOptions): Loop {
  const stopping = new AbortController();
  const { signal } = stopping;
  let failures = 0;

  const runRound = async () => {
    try {
      await round(signal);
      if (failures > 0) logger.info({ loop: name, failures }, 'loop recovered');
      failures = 0;
    } catch (err) {
      failures += 1;
      // The circuit breaker logs an outage itself, as a warning.
      const level = failures > 1 ? 'debug' : isOutage(err) ? 'warn' : 'error';
      logger[level]({ err, loop: name, failures }, 'loop round failed; the next round tries again');
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

function isOutage(err: unknown): boolean {
  return err instanceof SeatCoreError && err.code === 'DEPENDENCY_UNAVAILABLE';
}
