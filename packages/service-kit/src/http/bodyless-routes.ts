import type { FastifyPluginCallback } from 'fastify';
import { HttpError, sentences } from '../problems/http-error.ts';
import { maxErrors, memberPointer } from '../problems/validation-errors.ts';
import type { HttpService } from './http-service.ts';

/**
 * A plugin whose routes need no body: they take none, or `{}`, with any content type or none; any other body is
 * VALIDATION_FAILED. `request.body` is always undefined there.
 *
 * @example app.register(bodylessRoutes((routes) => { routes.delete('/api/v1/booking/:bookingId', …); }));
 */
export function bodylessRoutes(define: (routes: HttpService) => void): FastifyPluginCallback {
  return (scope, _options, done) => {
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => {
      try {
        assertEmpty(body as string);
        parsed(null, undefined);
      } catch (error) {
        parsed(error as Error);
      }
    });
    // Without a type the parser above gets every body, and a malformed type is not answered with 415.
    scope.addHook('onRequest', (request, _reply, next) => {
      delete request.raw.headers['content-type'];
      next();
    });
    define(scope);
    done();
  };
}

function assertEmpty(body: string): void {
  if (body.trim() === '') return;
  const parsed = parseObject(body);
  if (parsed === undefined) {
    throw new HttpError('VALIDATION_FAILED', [{ pointer: '', sentence: sentences.bodyForbidden }]);
  }
  const unknown = Object.keys(parsed)
    .slice(0, maxErrors)
    .map((name) => ({ pointer: memberPointer(name), sentence: sentences.unknownMember }));
  if (unknown.length > 0) throw new HttpError('VALIDATION_FAILED', unknown);
}

function parseObject(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body.replace(/^\ufeff/, ''));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
