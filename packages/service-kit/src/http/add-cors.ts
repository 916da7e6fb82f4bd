import { fastifyCors } from '@fastify/cors';
import type { HttpService } from './http-service.ts';

/** How long a browser keeps what a preflight said. */
const preflightSeconds = 600;

/**
 * Lets pages of these origins call the service (CORS). Without any, no page but the service's own may. Callers prove
 * who they are by a header, never by a cookie, so credentials are not allowed.
 */
export function addCors(app: HttpService, allowedOrigins: readonly string[] | undefined): void {
  if (allowedOrigins === undefined) return;
  const tellPreflight = {
    'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
    'access-control-allow-headers':
      'authorization, content-type, idempotency-key, if-none-match, x-request-id',
    'access-control-max-age': String(preflightSeconds),
  };
  // It is the plugin's, and says that the path is unknown: to everybody.
  app.addHook('onRoute', (route) => {
    if (route.path === '*') route.config = { ...route.config, access: 'public' };
  });
  app
    .register(fastifyCors, {
      origin: [...allowedOrigins],
      exposedHeaders: ['etag', 'idempotency-replayed', 'location', 'retry-after', 'x-request-id'],
      // The plugin would answer OPTIONS of every path itself, also of one that does not exist, and name no methods.
      preflight: false,
    })
    .after(() => {
      app.addHook('onRequest', (request, reply, done) => {
        const isAllowed = reply.hasHeader('access-control-allow-origin');
        if (isAllowed && request.method === 'OPTIONS') reply.headers(tellPreflight);
        done();
      });
    });
}
