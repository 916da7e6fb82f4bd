import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { namedPlugin } from '../http/http-service.ts';
import { HttpError } from '../problems/http-error.ts';
import { sentences } from '../problems/sentences.ts';

/** The key of a request for the verbs of seat-core: a repeated request has no second effect. */
interface Idempotency {
  readonly caller: string;
  readonly route: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
}

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

/**
 * The key of a request for the verbs of seat-core, if it has one. Keys of different users never collide; requests
 * without a user share one key space.
 *
 * @param userId the user that the request names, while authentication is off
 */
export function idempotencyOf(
  request: FastifyRequest,
  userId: string | null = request.caller.userId,
): { readonly idempotency?: Idempotency } {
  const key = keyOf(request);
  if (key === undefined) return {};
  const route = `${request.method} ${request.routeOptions.url ?? ''}`;
  return {
    idempotency: {
      caller: userId === null ? 'anybody' : `user ${userId}`,
      route,
      key,
      fingerprint: fingerprintOf(route, request.params, request.body),
    },
  };
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

/** SHA-256 of the meaning of a request: the order of members and the case of ids do not count. */
function fingerprintOf(route: string, params: unknown, body: unknown): Uint8Array {
  const text = JSON.stringify([route, canonical(params ?? {}), canonical(body ?? {})]);
  return createHash('sha256').update(text).digest();
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value === 'string') return uuid.test(value) ? value.toLowerCase() : value;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, canonical(member)]));
}
