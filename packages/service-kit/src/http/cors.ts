import { fastifyCors } from '@fastify/cors';
import { namedPlugin, type HttpService } from './http-service.ts';

/** How long a browser keeps the answer to a preflight. */
const preflightSeconds = 600;

const preflightHeaders = {
  'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
  'access-control-allow-headers': 'authorization, content-type, idempotency-key, if-none-match, x-request-id',
  'access-control-max-age': String(preflightSeconds),
};

/**
 * Lets pages of the allowed origins call the service (CORS), and answers OPTIONS of every route that is registered after
 * it. Clients authenticate by a header, never by a cookie, so credentials are not allowed.
 *
 * @param allowedOrigins ALLOWED_ORIGINS; without it no page of another origin may call the service
 */
export const cors = namedPlugin<{ readonly allowedOrigins: readonly string[] | undefined }>(
  { name: 'cors', after: ['request-context'] },
  (app, { allowedOrigins }) => {
    if (allowedOrigins !== undefined) addCors(app, allowedOrigins);
    addOptions(app);
  },
);

function addCors(app: HttpService, allowedOrigins: readonly string[]): void {
  // The route of the plugin itself: it answers that the path is unknown, to every client.
  app.addHook('onRoute', (route) => {
    if (route.path === '*') route.config = { ...route.config, access: 'public' };
  });
  app.register(fastifyCors, {
    origin: [...allowedOrigins],
    exposedHeaders: ['etag', 'idempotency-replayed', 'location', 'retry-after', 'x-request-id'],
    // The plugin would answer OPTIONS of every path itself, also of one that does not exist, and name no methods.
    preflight: false,
  });
  app.addHook('onRequest', (request, reply, done) => {
    const isAllowed = reply.hasHeader('access-control-allow-origin');
    if (isAllowed && request.method === 'OPTIONS') reply.headers(preflightHeaders);
    done();
  });
}

/** Answers OPTIONS with the methods of the path (RFC 9110, 9.3.7). */
function addOptions(app: HttpService): void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', function ({ url, method, path, config }) {
    if (method === 'OPTIONS' || path.startsWith('/docs')) return;
    let methods = methodsOf.get(url);
    if (methods === undefined) {
      const allowed = new Set(['OPTIONS']);
      methodsOf.set(url, (methods = allowed));
      this.route({
        method: 'OPTIONS',
        url,
        schema: { hide: true },
        config: { ...config, access: 'public' },
        handler: (_request, reply) =>
          reply
            .code(204)
            .header('allow', [...allowed].join(', '))
            .send(),
      });
    }
    for (const name of [method].flat()) methods.add(name);
  });
}
