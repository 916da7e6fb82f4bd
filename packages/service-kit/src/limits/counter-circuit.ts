import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleAll } from 'cockatiel';
import type { Logger } from 'pino';

/** Lets work through to Redis while Redis answers in time. */
export interface CounterCircuit {
  /** @throws at once while the circuit is open; otherwise what the work throws, or that it was late */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>;
  readonly isOpen: () => boolean;
}

/** A late counter costs a request this much, once a second. */
const timeoutMs = 100;

/** @param options.pauseMs until an open circuit lets a probe through */
export function createCounterCircuit(
  limit: string,
  { logger, pauseMs }: { readonly logger: Logger; readonly pauseMs: number },
): CounterCircuit {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: pauseMs, breaker: new ConsecutiveBreaker(1) });
  const members = { limit, dependency: 'redis' };
  // A probe that fails breaks it again: the log says once that it opened.
  let isReported = false;
  breaker.onBreak(() => {
    if (!isReported)
      logger.warn(members, 'circuit opened: each process counts its own requests for the rate limit');
    isReported = true;
  });
  breaker.onReset(() => {
    isReported = false;
    logger.info(members, 'circuit closed: all processes count together for the rate limit');
  });
  return {
    run: async (work) => breaker.execute(async () => inTime(work())),
    isOpen: () => breaker.state !== CircuitState.Closed,
  };
}

/**
 * Like cockatiel's timeout, without its AbortSignal, which cost a tenth of the CPU time of a booking. When this process
 * was busy itself, the answer lies unread in its socket while the timer fires: `setImmediate` lets it be read first.
 */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`requests not counted within ${timeoutMs} ms`));
    timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
