import { fastifyUnderPressure } from '@fastify/under-pressure';
import { SeatCoreError } from '@ticketing/seat-core/errors';
import type { HttpService } from '../http/http-service.ts';

/** A process whose timers are this late, on average over a sample, has more to do than it can do in time. */
const maxEventLoopDelayMs = 250;
const sampleMs = 500;

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
  app.addHook('onRequest', ({ routeOptions: { url } }, _reply, done) => {
    const isProbe = url === '/metrics' || url?.startsWith('/health/') === true;
    if (isProbe || !app.isUnderPressure()) return done();
    done(new SeatCoreError('OVERLOADED', 'the event loop is late'));
  });
}
