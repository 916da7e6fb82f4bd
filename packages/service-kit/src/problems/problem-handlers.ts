import { SeatCoreError } from '@ticketing/seat-core/errors';
import type { ErrorObject } from 'ajv';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { namedPlugin } from '../http/http-service.ts';
import { HttpError, sentences } from './http-error.ts';
import { preferredLanguage } from './preferred-language.ts';
import { renderProblem, type ProblemDetails } from './problem-body.ts';
import type { Language, ProblemCode, Sentence } from './problem-table.ts';
import { describeValidation } from './validation-errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem that was answered, for the log line; null without one. */
    problemCode: ProblemCode | null;
    /** Whether its handler may have begun: until then a request had no effect. */
    hasBegun: boolean;
  }
}

/** Answers errors and unknown routes as problem+json. */
export const problemHandlers = namedPlugin({ name: 'problem-handlers', after: [] }, (app) => {
  app.decorateRequest('problemCode', null);
  app.decorateRequest('hasBegun', false);
  app.setErrorHandler(answerProblem);
  app.setNotFoundHandler(refuseUnknownRoute);
  // Before the body is read: an unknown route is unknown whatever its body.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    if (request.is404) refuseUnknownRoute();
    done();
  });
  app.addHook('preHandler', (request, _reply, done) => {
    request.hasBegun = true;
    done();
  });
});

function refuseUnknownRoute(): never {
  throw new HttpError('ROUTE_NOT_FOUND');
}

/** Answers an error as problem+json. Logs unexpected errors only, once, with their cause. */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const language = preferredLanguage(request.headers['accept-language']);
  const { code, details } = withOutcome(request, toProblem(error, language));
  request.problemCode = code;
  // A client that left in the middle of its body is an error of its stream only.
  const isClientGone = error instanceof Error && error === request.raw.errored;
  if (code === 'INTERNAL' && !isClientGone) request.log.error({ err: error }, 'unexpected error');

  const problem = renderProblem(code, details, { requestId: request.id, language });
  const vary = reply.getHeader('vary');
  // A rate limit knows the seconds that are left, and has set them already.
  const retryAfter = reply.getHeader('retry-after');
  void reply
    .code(problem.status)
    .headers(problem.headers)
    .headers(retryAfter === undefined ? {} : { 'retry-after': retryAfter })
    .header('vary', vary === undefined ? 'accept-language' : `${String(vary)}, accept-language`)
    .send(problem.body);
}

const requestErrors: Readonly<Record<string, Sentence>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: sentences.bodyRequired,
  FST_ERR_CTP_INVALID_JSON_BODY: sentences.malformedJson,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: sentences.wrongLength,
  FST_ERR_BAD_URL: sentences.malformedPath,
  FST_ERR_MAX_PARAM_LENGTH: sentences.longPath,
};

/** The members of Fastify's own errors that matter here. */
interface FrameworkError {
  readonly code?: string;
  readonly validation?: readonly ErrorObject[];
  readonly validationContext?: string;
}

interface Problem {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;
}

/** After an unexpected error of a request that writes, its effect may be committed, also when only the answer failed. */
function withOutcome({ method, hasBegun }: FastifyRequest, { code, details }: Problem): Problem {
  const mayHaveWritten = hasBegun && (method === 'POST' || method === 'DELETE');
  return code === 'INTERNAL' && mayHaveWritten
    ? { code, details: { outcome: 'unknown' } }
    : { code, details };
}

/** The problem that an error is answered as; an error of no known kind is INTERNAL. */
function toProblem(error: unknown, language: Language): Problem {
  if (error instanceof SeatCoreError) return { code: error.code, details: error.details };
  if (error instanceof HttpError) {
    const errors = error.errors.map(({ pointer, sentence }) => ({ pointer, detail: sentence[language] }));
    return { code: error.code, details: errors.length > 0 ? { errors } : {} };
  }
  if (!(error instanceof Error)) return { code: 'INTERNAL', details: {} };

  const { code, validation, validationContext } = error as FrameworkError;
  if (validation !== undefined) {
    const errors = describeValidation(validation, validationContext ?? 'body', language);
    return { code: 'VALIDATION_FAILED', details: { errors } };
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return { code: 'UNSUPPORTED_MEDIA_TYPE', details: {} };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'PAYLOAD_TOO_LARGE', details: {} };
  const sentence = requestErrors[code ?? ''];
  if (sentence === undefined) return { code: 'INTERNAL', details: {} };
  return { code: 'VALIDATION_FAILED', details: { errors: [{ pointer: '', detail: sentence[language] }] } };
}
