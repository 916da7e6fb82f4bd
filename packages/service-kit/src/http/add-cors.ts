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
  app.register(fastifyCors, {
    origin: [...allowedOrigins],
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'if-none-match', 'x-request-id'],
    exposedHeaders: ['etag', 'idempotency-replayed', 'location', 'retry-after', 'x-request-id'],
    maxAge: preflightSeconds,
    // A preflight that lacks a header is answered all the same, not with a text of the plugin's.
    strictPreflight: false,
  });
}
