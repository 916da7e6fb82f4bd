import type { FastifyPluginCallback } from 'fastify';
import { memberPointer } from '../faults/member-pointer.ts';
import { maxFaults } from '../faults/describe-validation.ts';
import { sentences } from '../faults/sentences.ts';
import { ServiceFault } from '../faults/service-fault.ts';
import type { HttpService } from './http-service.ts';

/**
 * A plugin whose routes need no body: they take none, or `{}`, with or without any content type;
 * anything else is VALIDATION_FAILED. `request.body` is always undefined there.
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
    // No type, no choice of parser: the one above sees every body, and no malformed type is answered with 415.
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
    throw new ServiceFault('VALIDATION_FAILED', [{ pointer: '', sentence: sentences.bodyForbidden }]);
  }
  const unknown = Object.keys(parsed).map((name) => ({
    pointer: memberPointer(name),
    sentence: sentences.unknownMember,
  }));
  if (unknown.length > 0) throw new ServiceFault('VALIDATION_FAILED', unknown.slice(0, maxFaults));
}

function parseObject(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
