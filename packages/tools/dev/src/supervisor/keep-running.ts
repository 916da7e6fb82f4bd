import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, type ServerProcess } from '@ticketing/testkit';

export interface Started {
  readonly process: ServerProcess;
  readonly stop: () => Promise<unknown>;
}

export interface KeepRunningOptions<T extends Started> {
  readonly name: string;
  /** Starts the process and settles when it serves; must end what it started before it rejects. */
  readonly start: (stopping: AbortSignal) => Promise<T>;
  readonly say: (message: string) => void;
}

export interface Kept {
  /** May be called at any time, also while the process starts. */
  readonly stop: () => Promise<void>;
}

/** A process that lived this long is restarted at once again. */
const provenAfterMs = 30_000;
const longestPauseMs = 10_000;

/**
 * Starts a server or service and, whenever it dies, starts it again: at once the first time, then with growing pauses.
 *
 * @returns `first`: the first start, which is not repeated when it fails
 */
export function keepRunning<T extends Started>(
  options: KeepRunningOptions<T>,
): Kept & { readonly first: Promise<T> } {
  const { name, start, say } = options;
  const stopping = new AbortController();
  const first = start(stopping.signal);
  let current: T | undefined;

  const watch = async (started: T): Promise<void> => {
    current = started;
    let startedAt = Date.now();
    let pauseMs = 0;
    let why = '';
    for (;;) {
      if (why === '') {
        const status = await current.process.exited;
        if (stopping.signal.aborted) return;
        if (Date.now() - startedAt >= provenAfterMs) pauseMs = 0;
        why = describeExit(status);
      }
      say(`${name} ${why}; starting it again${pauseMs === 0 ? '' : ` in ${pauseMs / 1000} s`}`);
      await delay(pauseMs, undefined, { signal: stopping.signal });
      pauseMs = Math.min(Math.max(pauseMs * 2, 500), longestPauseMs);
      startedAt = Date.now();
      try {
        current = await start(stopping.signal);
        say(`${name} is ready again`);
        why = '';
      } catch (error) {
        if (stopping.signal.aborted) return;
        why = `did not start (${error instanceof Error ? error.message : String(error)})`;
      }
    }
  };

  const watching = first.then(watch).catch((error: unknown) => {
    // The caller has `first`; the pause before a restart ends with an AbortError.
    if (current !== undefined && !stopping.signal.aborted) throw error;
  });
  return {
    first,
    stop: async () => {
      stopping.abort();
      await current?.stop();
      await watching;
      // A start may have been under way.
      await current?.stop();
    },
  };
}
