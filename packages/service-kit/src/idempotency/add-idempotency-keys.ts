import type { FastifyReply, FastifyRequest } from 'fastify';
import { sentences } from '../faults/sentences.ts';
import { ServiceFault } from '../faults/service-fault.ts';
import type { HttpService } from '../http/http-service.ts';
import { fingerprintOf } from './fingerprint.ts';

/** What the verbs of seat-core take, so that a request sent again has no second effect. */
interface Idempotency {
  readonly caller: string;
  readonly route: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
}

/** Refuses a malformed `Idempotency-Key` of a POST or DELETE before its body is read. Elsewhere it means nothing. */
export function addIdempotencyKeys(app: HttpService): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const key = keyOf(request);
    if (key === undefined || request.is404 || /^[\x21-\x7e]{1,255}$/.test(key)) return done();
    const fault = { pointer: '/idempotency-key', sentence: sentences.idempotencyKey };
    done(new ServiceFault('VALIDATION_FAILED', [fault]));
  });
}

/**
 * The key of a request as the verbs of seat-core take it, if it has one. Keys of two users never meet, and those of
 * nobody in particular only each other.
 *
 * @param userId whom the request is about, while nobody has to prove who they are
 */
export function idempotencyOf(
  request: FastifyRequest,
  userId: string | null = request.caller.userId,
): { readonly idempotency?: Idempotency } {
  const key = keyOf(request);
  if (key === undefined) return {};
  const route = `${request.method} ${request.routeOptions.url ?? ''}`;
  const { params, body } = request;
  return {
    idempotency: {
      caller: userId === null ? 'anybody' : `user ${userId}`,
      route,
      key,
      fingerprint: fingerprintOf({ route, params, body }),
    },
  };
}

/** Says of an answer that it is the one which an earlier request got. */
export function tellReplay(reply: FastifyReply, { replayed }: { readonly replayed: boolean }): FastifyReply {
  return replayed ? reply.header('idempotency-replayed', 'true') : reply;
}

function keyOf({ method, headers }: FastifyRequest): string | undefined {
  if (method !== 'POST' && method !== 'DELETE') return undefined;
  const key = headers['idempotency-key'];
  // Node joins several of them with ", ", which has a space and so is no key.
  return Array.isArray(key) ? key.join(', ') : key;
}
