import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, type ServerProcess } from '@ticketing/testkit';

export interface RunningPart {
  readonly process: ServerProcess;
  readonly stop: () => Promise<unknown>;
}

export interface KeepRunningOptions {
  readonly name: string;
  /** Starts the part and settles when it serves; must end what it started before it rejects. */
  readonly start: () => Promise<RunningPart>;
  readonly say: (message: string) => void;
}

export interface KeptPart {
  readonly stop: () => Promise<void>;
}

/** A part that lived this long has shown that it can; its next death is no loop. */
const provenAfterMs = 30_000;
const longestPauseMs = 10_000;

/**
 * Starts a part and, whenever it dies, starts it again: at once the first time, then with growing pauses.
 *
 * @throws what `start` throws the first time: a part that never served is not tried for ever
 */
export async function keepRunning(options: KeepRunningOptions): Promise<KeptPart> {
  const { name, start, say } = options;
  const stopping = new AbortController();
  let current = await start();
  let startedAt = Date.now();
  let pauseMs = 0;

  const revive = async (why: string): Promise<void> => {
    for (;;) {
      say(`${name} ${why}; starting it again${pauseMs === 0 ? '' : ` in ${pauseMs / 1000} s`}`);
      await delay(pauseMs, undefined, { signal: stopping.signal });
      pauseMs = Math.min(Math.max(pauseMs * 2, 500), longestPauseMs);
      startedAt = Date.now();
      try {
        current = await start();
        say(`${name} is ready again`);
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        why = `did not start (${error instanceof Error ? error.message : String(error)})`;
      }
    }
  };

  const watch = async (): Promise<void> => {
    for (;;) {
      const status = await current.process.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt >= provenAfterMs) pauseMs = 0;
      await revive(describeExit(status));
    }
  };

  const watching = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    stop: async () => {
      stopping.abort();
      await current.stop();
      await watching;
      // One that was being started meanwhile.
      await current.stop();
    },
  };
}
