import { fastifyUnderPressure } from '@fastify/under-pressure';
import { namedPlugin } from '../http/http-service.ts';
import { HttpError } from '../problems/http-error.ts';

/** A process whose timers are this late, on average over a sample, is overloaded. */
const maxEventLoopDelayMs = 250;
const sampleMs = 500;
/** With fewer requests in a sample the process is slow for another reason, which refusing them would not help. */
const crowdSize = 100;

/**
 * Refuses requests at once while the process is overloaded; the requests it has admitted keep their time. Health and
 * metrics are still answered: an operator must see the overload, and a busy process must not count as dead.
 */
export const overloadShedding = namedPlugin(
  { name: 'overload-shedding', after: ['request-context'] },
  (app) => {
    // Only the measuring of the plugin is used: its own hook would run after the hooks that do the work.
    app.register(fastifyUnderPressure, {
      maxEventLoopDelay: maxEventLoopDelayMs,
      sampleInterval: sampleMs,
      pressureHandler: () => undefined,
    });
    const isCrowd = createCrowdCounter();
    const turnMs = createTurnClock();
    app.addHook('onRequest', ({ routeOptions: { url } }, _reply, done) => {
      const isProbe = url === '/metrics' || url?.startsWith('/health/') === true;
      // A sample is taken between turns: a crowd that comes within one turn would be over before the sample shows it.
      const isLate = turnMs() > maxEventLoopDelayMs || app.isUnderPressure();
      if (isProbe || !isCrowd() || !isLate) return done();
      done(new HttpError('OVERLOADED'));
    });
  },
);

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

/** Counts each call. @returns whether there was a crowd in this sample or in the sample before */
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
