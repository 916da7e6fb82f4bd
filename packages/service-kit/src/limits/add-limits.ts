import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ServiceFault } from '../faults/service-fault.ts';
import type { HttpService } from '../http/http-service.ts';
import { addressOf } from './address-of.ts';
import { createLimiter, type CounterRedis, type Limiter } from './create-limiter.ts';

export interface LimitOptions {
  /** RATE_LIMIT_MAX; 0 is no limit. */
  readonly max: number;
  /** RATE_LIMIT_WINDOW_SECONDS */
  readonly windowSeconds: number;
  /** An ioredis client of its own, that fails at once when Redis is away. */
  readonly redis?: CounterRedis | undefined;
  readonly logger: Logger;
}

/** Behind one address sit a household, an office, or the whole network of a phone company. */
const addressFactor = 10;

/**
 * Limits the requests that write, and those for what does not exist, per address; before anything else is known
 * of a request. Of IPv6 the first 64 bits count: the rest is the client's to choose.
 */
export function addAddressLimit(app: HttpService, { max, windowSeconds, ...rest }: LimitOptions): void {
  if (max === 0) return;
  const limiter = createLimiter(app, {
    ...rest,
    name: 'address',
    max: max * addressFactor,
    windowMs: windowSeconds * 1_000,
    keyOf: addressOf,
  });
  app.addHook('onRequest', async (request, reply) => {
    if (isWriting(request) || request.is404) await limit(limiter, request, reply);
  });
}

/**
 * Limits the requests that write per user: the one of the token, before the body is read, or, while authentication
 * is off, the one that the body names.
 */
export function addUserLimit(app: HttpService, { max, windowSeconds, ...rest }: LimitOptions): void {
  if (max === 0) return;
  const limiter = createLimiter(app, {
    ...rest,
    name: 'user',
    max,
    windowMs: windowSeconds * 1_000,
    keyOf: (request) => request.caller.userId ?? namedUserOf(request) ?? '',
  });
  app.addHook('onRequest', async (request, reply) => {
    if (isWriting(request) && request.caller.userId !== null) await limit(limiter, request, reply);
  });
  app.addHook('preHandler', async (request, reply) => {
    if (!isWriting(request) || request.caller.userId !== null) return;
    if (namedUserOf(request) !== undefined) await limit(limiter, request, reply);
  });
}

async function limit(limiter: Limiter, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const seconds = await limiter(request);
  if (seconds === undefined) return;
  reply.header('retry-after', String(seconds));
  throw new ServiceFault('RATE_LIMITED');
}

function isWriting({ method }: FastifyRequest): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method);
}

/** What is no user id is refused by the route, and must not become a key before. */
function namedUserOf({ body }: FastifyRequest): string | undefined {
  const named = (body as { readonly userId?: unknown } | null | undefined)?.userId;
  return typeof named === 'string' && /^[\x21-\x7e]{1,128}$/.test(named) ? named : undefined;
}
