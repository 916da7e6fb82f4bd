import type { FastifyReply, FastifyRequest } from 'fastify';
import { namedPlugin } from '../http/http-service.ts';
import { HttpError, sentences } from '../problems/http-error.ts';

/** Refuses a malformed `Idempotency-Key` of a POST or DELETE before its body is read. Other methods ignore the header. */
export const idempotencyKeys = namedPlugin(
  { name: 'idempotency-keys', after: ['authentication', 'user-limit'] },
  (app) => {
    app.addHook('onRequest', (request, _reply, done) => {
      const key = keyOf(request);
      if (key === undefined || request.is404 || /^[\x21-\x7e]{1,255}$/.test(key)) return done();
      const error = { pointer: '/idempotency-key', sentence: sentences.idempotencyKey };
      done(new HttpError('VALIDATION_FAILED', [error]));
    });
  },
);

/** The key of a request for the verbs of seat-core, if it has one: a repeated request has no second effect. */
export function idempotencyOf(request: FastifyRequest): { readonly idempotencyKey?: string } {
  const idempotencyKey = keyOf(request);
  return idempotencyKey === undefined ? {} : { idempotencyKey };
}

/** Marks an answer that repeats the answer to an earlier request. */
export function tellReplay(reply: FastifyReply, { replayed }: { readonly replayed: boolean }): FastifyReply {
  return replayed ? reply.header('idempotency-replayed', 'true') : reply;
}

function keyOf({ method, headers }: FastifyRequest): string | undefined {
  if (method !== 'POST' && method !== 'DELETE') return undefined;
  const key = headers['idempotency-key'];
  // Node joins several headers with ", ", whose space makes the key malformed.
  return Array.isArray(key) ? key.join(', ') : key;
}
