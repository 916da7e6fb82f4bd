import { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import { Histogram, type Registry } from 'prom-client';

/** Observes one request until its answer is sent or its client has left. */
export type RequestObserver = (request: FastifyRequest, reply: FastifyReply) => void;

const countedMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Silences the lines that Fastify writes per request: the observer writes one, with the outcome. */
export class RequestLogController extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'requestId' });
  }

  override incomingRequest(): void {}
  override requestCompleted(): void {}
  override routeNotFound(): void {}
}

/**
 * Creates the observer of each request: one observation of `http_request_duration_seconds` and one log line. It listens
 * to the raw response, because Fastify's onResponse does not run when the client has left.
 */
export function createRequestObserver(registry: Registry, logger: FastifyBaseLogger): RequestObserver {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the routed request to the end of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
    registers: [registry],
  });

  return (request, reply) => {
    const startedAt = performance.now();
    let isAborted = true;
    reply.raw.on('finish', () => {
      isAborted = false;
    });
    reply.raw.once('close', () => {
      if (reply.statusCode === 101) isAborted = false;
      const durationMs = performance.now() - startedAt;
      const route = request.routeOptions.url;
      // Every label value is from a closed set: an invented path or method must not grow the registry.
      duration.observe(
        {
          method: countedMethods.has(request.method) ? request.method : 'other',
          route: route ?? 'unmatched',
          status: isAborted ? 'aborted' : String(reply.statusCode),
        },
        durationMs / 1000,
      );

      const line = {
        requestId: request.id,
        method: request.method,
        route: route ?? 'unmatched',
        path: pathOf(request.url),
        // An answer that was not sent has no status.
        status: isAborted ? undefined : reply.statusCode,
        outcome: isAborted
          ? 'aborted'
          : (request.problemCode ?? (reply.statusCode < 400 ? 'ok' : 'unavailable')),
        durationMs: Math.round(durationMs * 10) / 10,
      };
      if (isProbe(route)) logger.debug(line, 'request');
      else logger.info(line, 'request');
    });
  };
}

/** Query values may hold anything, so they stay out of the log. */
function pathOf(url: string): string {
  return url.split('?', 1)[0]!.slice(0, 256);
}

function isProbe(route: string | undefined): boolean {
  return route !== undefined && (route.startsWith('/health/') || route === '/metrics');
}
