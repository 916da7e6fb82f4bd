import { fastifyUnderPressure } from '@fastify/under-pressure';
import { SeatCoreError } from '@ticketing/seat-core/errors';
import type { HttpService } from '../http/http-service.ts';

/** A process whose timers are this late, on average over a sample, has more to do than it can do in time. */
const maxEventLoopDelayMs = 250;
const sampleMs = 500;
/** Fewer requests in a sample are no overload: whatever makes the process slow then, refusing them does not help it. */
const crowdSize = 100;

/**
 * Refuses requests at once while the process cannot keep up, so that those it has admitted get their time. Reading
 * health and metrics goes on: whoever watches must see it, and a busy process is not to be taken for a dead one.
 */
export function addOverloadShedding(app: HttpService): void {
  // Of the plugin we take the measuring: its own hook would come after all of ours, when the work is done.
  app.register(fastifyUnderPressure, {
    maxEventLoopDelay: maxEventLoopDelayMs,
    sampleInterval: sampleMs,
    pressureHandler: () => undefined,
  });
  const isCrowd = createCrowdCounter();
  const turnMs = createTurnClock();
  app.addHook('onRequest', ({ routeOptions: { url } }, _reply, done) => {
    const isProbe = url === '/metrics' || url?.startsWith('/health/') === true;
    // A sample is taken between turns: what a crowd brings in a single one is over before it tells.
    const isLate = turnMs() > maxEventLoopDelayMs || app.isUnderPressure();
    if (isProbe || !isCrowd() || !isLate) return done();
    done(new SeatCoreError('OVERLOADED', 'the event loop is late'));
  });
}

/** @returns how long the turn of the event loop has lasted since its first request */
function createTurnClock(): () => number {
  let startedAt: number | undefined;
  return () => {
    const now = performance.now();
    if (startedAt === undefined) {
      startedAt = now;
      setImmediate(() => (startedAt = undefined));
    }
    return now - startedAt;
  };
}

/** Counts each call. @returns whether this span of time, or the one before it, has seen a crowd */
function createCrowdCounter(): () => boolean {
  let startedAt = performance.now();
  let count = 0;
  let countBefore = 0;
  return () => {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= sampleMs) {
      countBefore = elapsedMs < 2 * sampleMs ? count : 0;
      count = 0;
      startedAt += elapsedMs;
    }
    count += 1;
    return Math.max(count, countBefore) >= crowdSize;
  };
}
