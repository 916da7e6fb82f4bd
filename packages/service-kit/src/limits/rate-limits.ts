import { isIP } from 'node:net';
import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { namedPlugin } from '../http/http-service.ts';
import { HttpError } from '../problems/http-error.ts';
import { createLimiter, type CounterRedis, type Limiter } from './request-counter.ts';

export interface LimitOptions {
  /** RATE_LIMIT_MAX; 0 is no limit. */
  readonly max: number;
  /** RATE_LIMIT_WINDOW_SECONDS */
  readonly windowSeconds: number;
  /** An ioredis client of its own, whose commands fail at once while Redis is down. */
  readonly redis?: CounterRedis | undefined;
  readonly logger: Logger;
}

/** Behind one address sit a household, an office, or the whole network of a phone company. */
const addressFactor = 10;

/** Limits the requests that write, and requests for unknown routes, per address; before a token is verified. */
export const addressLimit = namedPlugin<LimitOptions>(
  { name: 'address-limit', after: ['request-context'] },
  (app, { max, windowSeconds, redis, logger }) => {
    if (max === 0) return;
    const limiter = createLimiter(app, {
      name: 'address',
      max: max * addressFactor,
      windowMs: windowSeconds * 1_000,
      keyOf: addressOf,
      redis,
      logger,
    });
    app.addHook('onRequest', async (request, reply) => {
      if (isWriting(request) || request.is404) await limit(limiter, request, reply);
    });
  },
);

/**
 * Limits the requests that write per user: the user of the token, before the body is read, or, while authentication is
 * off, the user that the body names.
 */
export const userLimit = namedPlugin<LimitOptions>(
  { name: 'user-limit', after: ['authentication'] },
  (app, { max, windowSeconds, redis, logger }) => {
    if (max === 0) return;
    const limiter = createLimiter(app, {
      name: 'user',
      max,
      windowMs: windowSeconds * 1_000,
      keyOf: (request) => request.caller.userId ?? namedUserOf(request) ?? '',
      redis,
      logger,
    });
    app.addHook('onRequest', async (request, reply) => {
      if (isWriting(request) && request.caller.userId !== null) await limit(limiter, request, reply);
    });
    app.addHook('preHandler', async (request, reply) => {
      if (!isWriting(request) || request.caller.userId !== null) return;
      if (namedUserOf(request) !== undefined) await limit(limiter, request, reply);
    });
  },
);

/**
 * The address that a request counts for. Of IPv6 the first 64 bits count: a client can choose the rest.
 *
 * @returns an address, never the text of a forged header
 */
export function addressOf({ ip, socket }: FastifyRequest): string {
  // A proxy may pass on anything; only an address becomes a key.
  return fastifyRateLimit.normalizeIP(isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip);
}

async function limit(limiter: Limiter, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const seconds = await limiter(request);
  if (seconds === undefined) return;
  reply.header('retry-after', String(seconds));
  throw new HttpError('RATE_LIMITED');
}

function isWriting({ method }: FastifyRequest): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method);
}

/** The route refuses a malformed user id; it must not become a key before. */
function namedUserOf({ body }: FastifyRequest): string | undefined {
  const named = (body as { readonly userId?: unknown } | null | undefined)?.userId;
  return typeof named === 'string' && /^[\x21-\x7e]{1,128}$/.test(named) ? named : undefined;
}
