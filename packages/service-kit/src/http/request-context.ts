import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestObserver } from '../logging/request-log.ts';
import { HttpError, sentences } from '../problems/http-error.ts';
import { namedPlugin } from './http-service.ts';
import { closeAnsweredUpgrade } from './websocket-upgrade.ts';

/** Gives each request its id, its log line and its measurement; refuses two `Host` headers, and HTTP/1.1 without. */
export const requestContext = namedPlugin<{ readonly observe: RequestObserver }>(
  { name: 'request-context', after: ['problem-handlers'] },
  (app, { observe }) => {
    app.addHook('onRequest', (request, reply, done) => {
      beginRequest(request, reply, observe);
      const { httpVersion, rawHeaders } = request.raw;
      const hosts = countHosts(rawHeaders);
      if (hosts === 1 || (hosts === 0 && httpVersion === '1.0')) return done();
      done(new HttpError('VALIDATION_FAILED', [{ pointer: '', sentence: sentences.oneHost }]));
    });
  },
);

/** Node's own member `host` is the first of several; a proxy in front may have taken another one. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

/** For errors before routing, too, which skip all hooks. */
export function beginRequest(request: FastifyRequest, reply: FastifyReply, observe: RequestObserver): void {
  observe(request, reply);
  reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
  closeAnsweredUpgrade(request, reply);
}

/** Keeps an `x-request-id` of 1 to 128 visible ASCII characters, otherwise makes one; stable per request. */
export function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers['x-request-id'];
  if (typeof sent === 'string' && /^[\x21-\x7e]{1,128}$/.test(sent)) return sent;
  const made = newRequestId();
  // Stored as the header, so a second call finds the same id.
  request.headers['x-request-id'] = made;
  return made;
}

/** A UUID of version 7 (RFC 9562). Node draws random bytes for many ids at once; the uuid library draws for each. */
export function newRequestId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
