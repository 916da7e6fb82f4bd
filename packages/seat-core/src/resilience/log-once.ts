import type { SeatCoreLogger } from '../options.ts';

/** After so long without an error, the next one belongs to another outage. */
const quietMs = 60_000;
/** Per outage: a message may carry a number that differs each time. */
const maxMessages = 3;

/**
 * Logs the errors of a client that reconnects by itself: each attempt fails with one of few messages, and each message
 * is logged once per outage, then at debug level.
 */
export function logOnce(
  logger: SeatCoreLogger,
  line: { readonly dependency: string; readonly message: string; readonly level: 'warn' | 'error' },
  lines = maxMessages,
): { readonly log: (err: Error) => void; readonly reset: () => void; readonly hasLogged: () => boolean } {
  const logged = new Set<string>();
  let lastAt = -Infinity;
  return {
    log: (err) => {
      if (performance.now() - lastAt > quietMs) logged.clear();
      lastAt = performance.now();
      const level = logged.has(err.message) || logged.size >= lines ? 'debug' : line.level;
      logged.add(err.message);
      logger[level]({ err, dependency: line.dependency }, line.message);
    },
    reset: () => logged.clear(),
    hasLogged: () => logged.size > 0,
  };
}
