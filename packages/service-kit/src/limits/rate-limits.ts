import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { addressOf } from '../http/client-address.ts';
import { namedPlugin, type HttpService } from '../http/http-service.ts';
import { HttpError } from '../problems/http-error.ts';
import { fastifyRateLimit } from '@fastify/rate-limit';
import { circuitBreaker, ConsecutiveBreaker, handleAll, type IPolicy } from 'cockatiel';

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
  { name: 'address-limit', after: ['request-context', 'client-address'] },
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

/** The part of an ioredis client that counting needs. */
export interface CounterRedis {
  readonly defineCommand: (name: string, definition: { numberOfKeys?: number; lua: string }) => void;
}

export interface LimiterOptions {
  /** As it appears in the keys: `limit:<name>:<key>`. */
  readonly name: string;
  readonly max: number;
  readonly windowMs: number;
  /** The address or user that a request counts for. */
  readonly keyOf: (request: FastifyRequest) => string;
  /** Where all processes count together; without it each counts alone. */
  readonly redis?: CounterRedis | undefined;
  readonly logger: Logger;
}

/** Counts a request. @returns the seconds to wait when there were too many, else undefined */
export type Limiter = (request: FastifyRequest) => Promise<number | undefined>;

/** A late counter costs a request this much, once a second. */
const timeoutMs = 100;
const pauseMs = 1_000;
/** Without Redis a process remembers this many keys; beyond them it forgets the oldest and counts them from zero. */
const keysPerProcess = 20_000;

/**
 * Counts requests by key in a window of time, over all processes. While Redis is down each process counts alone: the
 * effective limit is multiplied by the number of processes, and no request waits for Redis.
 */
function createLimiter(app: HttpService, options: LimiterOptions): Limiter {
  const inProcess = countIn(app, options, {});
  const { redis, name, logger } = options;
  if (redis === undefined) return inProcess;
  const inRedis = countIn(app, options, { redis, nameSpace: `limit:${name}:` });
  const breaker = createBreaker(() =>
    logger.warn(
      { limit: name, dependency: 'redis' },
      'circuit opened: each process counts its own requests for the rate limit',
    ),
  );
  return (request) => breaker.execute(() => inTime(inRedis(request))).catch(() => inProcess(request));
}

/** In a scope of its own: @fastify/rate-limit has one store per scope. */
function countIn(
  app: HttpService,
  { max, windowMs, keyOf }: LimiterOptions,
  store: { readonly redis?: CounterRedis; readonly nameSpace?: string },
): Limiter {
  let count: ReturnType<HttpService['createRateLimit']>;
  app.register(async (scope) => {
    await scope.register(fastifyRateLimit, {
      ...store,
      global: false,
      max,
      timeWindow: windowMs,
      keyGenerator: keyOf,
      cache: keysPerProcess,
    });
    count = scope.createRateLimit();
  });
  return async (request) => {
    const counted = await count(request);
    return counted.isAllowed || !counted.isExceeded ? undefined : Math.max(1, counted.ttlInSeconds);
  };
}

function createBreaker(onBreak: () => void): IPolicy {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: pauseMs,
    breaker: new ConsecutiveBreaker(1),
  });
  breaker.onBreak(onBreak);
  return breaker;
}

/**
 * Like cockatiel's timeout, without its AbortSignal, which cost a tenth of the CPU time of a booking. When this process
 * was busy itself, the answer lies unread in its socket while the timer fires: `setImmediate` lets it be read first.
 */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`request not counted within ${timeoutMs} ms`));
    timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
