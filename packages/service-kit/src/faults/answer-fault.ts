import type { FastifyReply, FastifyRequest } from 'fastify';
import { preferredLanguage } from './preferred-language.ts';
import { renderProblem } from './render-problem.ts';
import { toFault } from './to-fault.ts';

/** Answers an error as problem+json. Only what nobody expected is logged, once, with its cause. */
export function answerFault(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const language = preferredLanguage(request.headers['accept-language']);
  const { code, details } = toFault(error, language);
  request.faultCode = code;
  // A client that left in the middle of its body is an error to its stream, but news to nobody.
  const isClientGone = error instanceof Error && error === request.raw.errored;
  if (code === 'INTERNAL' && !isClientGone) request.log.error({ err: error }, 'unexpected error');

  const problem = renderProblem(code, details, { requestId: request.id, language });
  const vary = reply.getHeader('vary');
  // Whoever knows the seconds has said them already.
  const retryAfter = reply.getHeader('retry-after');
  void reply
    .code(problem.status)
    .headers(problem.headers)
    .headers(retryAfter === undefined ? {} : { 'retry-after': retryAfter })
    .header('vary', vary === undefined ? 'accept-language' : `${String(vary)}, accept-language`)
    .send(problem.body);
}
