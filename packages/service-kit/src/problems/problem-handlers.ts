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
  const { code, details, status } = withOutcome(request, toProblem(error, language));
  request.problemCode = code;
  // A client that left in the middle of its body is an error of its stream only.
  const isClientGone = error instanceof Error && error === request.raw.errored;
  if (code === 'INTERNAL' && !isClientGone) request.log.error({ err: error }, 'unexpected error');

  const context = { requestId: request.id, language, ...(status !== undefined && { status }) };
  const problem = renderProblem(code, details, context);
  const vary = reply.getHeader('vary');
  // A rate limit knows the seconds that are left, and has set them already.
  const retryAfter = reply.getHeader('retry-after');
  if (retryAfter !== undefined) problem.headers['retry-after'] = String(retryAfter);
  problem.headers['vary'] = vary === undefined ? 'accept-language' : `${String(vary)}, accept-language`;
  // Of its own: Fastify would add a charset to the media type, and drop the members that no schema names.
  void reply.code(problem.status).headers(problem.headers).serializer(String).send(problem.body);
}

const requestErrors: Readonly<Record<string, Sentence>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: sentences.bodyRequired,
  FST_ERR_CTP_INVALID_JSON_BODY: sentences.malformedJson,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: sentences.wrongLength,
  FST_ERR_BAD_URL: sentences.malformedPath,
  FST_ERR_MAX_PARAM_LENGTH: sentences.longPath,
};

/** The members of the errors of Fastify and its plugins that matter here. */
interface FrameworkError {
  readonly code?: string;
  readonly statusCode?: number;
  /** Of errors that the package http-errors made: whether the client may read the message. */
  readonly expose?: boolean;
  readonly validation?: readonly ErrorObject[];
  readonly validationContext?: string;
}

interface Problem {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;
  /** Where it is not the status of the code. */
  readonly status?: number;
}

/** The codes of the statuses with which a plugin refuses a request; with any other, the request is at fault. */
const codesByStatus: Readonly<Record<number, ProblemCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'ROUTE_NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RATE_LIMITED',
};

/** After an unexpected error of a request that writes, its effect may be committed, also when only the answer failed. */
function withOutcome({ method, hasBegun }: FastifyRequest, problem: Problem): Problem {
  const mayHaveWritten = hasBegun && (method === 'POST' || method === 'DELETE');
  if (problem.code !== 'INTERNAL' || !mayHaveWritten) return problem;
  return { ...problem, details: { outcome: 'unknown' } };
}

/** The problem that an error is answered as; an error of no known kind is INTERNAL. */
function toProblem(error: unknown, language: Language): Problem {
  if (error instanceof SeatCoreError) return { code: error.code, details: error.details };
  if (error instanceof HttpError) {
    const errors = error.errors.map(({ pointer, sentence }) => ({ pointer, detail: sentence[language] }));
    return { code: error.code, details: errors.length > 0 ? { errors } : {} };
  }
  if (!(error instanceof Error)) return { code: 'INTERNAL', details: {} };

  const { code, statusCode = 500, expose, validation, validationContext } = error as FrameworkError;
  if (validation !== undefined) {
    const errors = describeValidation(validation, validationContext ?? 'body', language);
    return { code: 'VALIDATION_FAILED', details: { errors } };
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return { code: 'UNSUPPORTED_MEDIA_TYPE', details: {} };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'PAYLOAD_TOO_LARGE', details: {} };
  const sentence = requestErrors[code ?? ''];
  if (sentence !== undefined) return invalid(sentence);
  // A status alone says nothing: the error of another service has one, too.
  const isOfPlugin = code?.startsWith('FST_') === true || expose !== undefined;
  if (!isOfPlugin || statusCode < 400 || statusCode > 499) return { code: 'INTERNAL', details: {} };
  const known = codesByStatus[statusCode];
  return known === undefined
    ? { ...invalid(sentences.unanswerable), status: statusCode }
    : { code: known, details: {} };

  function invalid(why: Sentence): Problem {
    return { code: 'VALIDATION_FAILED', details: { errors: [{ pointer: '', detail: why[language] }] } };
  }
}
