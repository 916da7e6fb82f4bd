import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';

/** Beyond the shutdown delay: 5 s for requests in flight, the rest for the close steps after them. */
const closeLimitMs = 10_000;

export interface ShutdownOptions {
  readonly logger: Logger;
  /** SHUTDOWN_DELAY_SECONDS: how long readiness says "stopping" before the closing begins. */
  readonly delaySeconds: number;
  /** Aborted at the signal. */
  readonly stopping: AbortController;
  /** The steps of the close, in order, as they are at the signal; undefined while nothing is served yet. */
  readonly steps: () => readonly (() => unknown)[] | undefined;
}

/**
 * Stops the process on SIGTERM or SIGINT: readiness "stopping", the delay, then each step; a failed step does not stop
 * the next. Exit 0, or 1 when a step failed or the limit passed. A second signal, or an uncaught error, exits at once.
 */
export function closeOnSignal({ logger, delaySeconds, stopping, steps }: ShutdownOptions): void {
  closeWithGrace(
    {
      delay: delaySeconds * 1000 + closeLimitMs,
      logger: false,
      // Not a stop: if nothing keeps the process alive, Node should say so in its exit code.
      skip: ['beforeExit'],
      onSecondSignal: (signal) => logger.warn({ signal }, 'second signal, exiting at once'),
      onSecondError: (err) => logger.fatal({ err }, 'another error while stopping'),
      onTimeout: (limitMs) => logger.error({ limitMs }, 'closing took too long, exiting'),
    },
    async ({ err, signal }) => {
      if (err !== undefined) {
        // The state is unknown after an uncaught error: no graceful stop.
        logger.fatal({ err }, 'unexpected error, exiting');
        return;
      }
      logger.info({ signal }, 'stopping');
      stopping.abort();
      const closing = steps();
      if (closing !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, delaySeconds * 1000));
        await runAll(closing, logger);
      }
      logger.info('stopped');
    },
  );
}

async function runAll(steps: readonly (() => unknown)[], logger: Logger): Promise<void> {
  let failures = 0;
  for (const step of steps) {
    try {
      await step();
    } catch (err) {
      failures += 1;
      logger.error({ err }, 'close step failed');
    }
  }
  // close-with-grace exits with 1 when this rejects.
  if (failures > 0) throw new Error(`${failures} close steps failed`);
}
