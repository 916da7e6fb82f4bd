import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { HttpError, sentences } from '../problems/http-error.ts';
import { maxErrors, memberPointer } from '../problems/validation-errors.ts';
import { namedPlugin } from './http-service.ts';

/**
 * Closes the query of each route that is registered after it: a parameter that its schema does not name, one that comes
 * twice and one that is not UTF-8 are VALIDATION_FAILED. Health, metrics and docs come before it: monitors add parameters
 * against caches.
 */
export const strictQueries = namedPlugin({ name: 'strict-queries', after: ['health', 'metrics'] }, (app) => {
  app.addHook('onRoute', (route) => {
    // A browser asks leave for a request with the query of that request.
    if (route.method === 'OPTIONS') return;
    const querystring = route.schema?.querystring ?? Type.Object({});
    route.schema = { ...route.schema, querystring: { ...querystring, additionalProperties: false } };
    route.preValidation = [refuseUndecodable, ...[route.preValidation ?? []].flat()];
  });
});

/** Fastify would pass such a value on as it stands, its percent signs included. */
function refuseUndecodable(
  { url }: FastifyRequest,
  _reply: FastifyReply,
  done: HookHandlerDoneFunction,
): void {
  const queryAt = url.indexOf('?');
  if (queryAt === -1 || !url.includes('%', queryAt)) return done();
  const errors = url
    .slice(queryAt + 1)
    .split('&')
    .filter((parameter) => decode(parameter) === undefined)
    .slice(0, maxErrors)
    .map((parameter) => {
      const [name = ''] = parameter.split('=', 1);
      return { pointer: memberPointer(decode(name) ?? name), sentence: sentences.undecodableParameter };
    });
  done(errors.length > 0 ? new HttpError('VALIDATION_FAILED', errors) : undefined);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
