import { fastifyRateLimit } from '@fastify/rate-limit';
import { circuitBreaker, ConsecutiveBreaker, handleAll, type IPolicy } from 'cockatiel';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { HttpService } from '../http/http-service.ts';

/** Of an ioredis client, what counting in Redis takes. */
export interface CounterRedis {
  readonly defineCommand: (name: string, definition: { numberOfKeys?: number; lua: string }) => void;
}

export interface LimiterOptions {
  /** As it appears in the keys: `limit:<name>:<key>`. */
  readonly name: string;
  readonly max: number;
  readonly windowMs: number;
  /** Whom a request is counted for. */
  readonly keyOf: (request: FastifyRequest) => string;
  /** Where all processes count together; without it each counts alone. */
  readonly redis?: CounterRedis | undefined;
  readonly logger: Logger;
}

/** Counts a request. @returns the seconds to wait when there were too many, else undefined */
export type Limiter = (request: FastifyRequest) => Promise<number | undefined>;

/** A counter that is late costs a request this much, once a second. */
const patienceMs = 100;
const pauseMs = 1_000;
/** Whoever comes from more addresses than this in one window is counted anew; without Redis only. */
const keysPerProcess = 20_000;

/**
 * Counts requests by key in a window of time, over all processes. While Redis is away each process counts for
 * itself: the gate is wider by their number then, never open, and nobody waits for it.
 */
export function createLimiter(app: HttpService, options: LimiterOptions): Limiter {
  const alone = countIn(app, options, {});
  const { redis, name, logger } = options;
  if (redis === undefined) return alone;
  const together = countIn(app, options, { redis, nameSpace: `limit:${name}:` });
  const breaker = createBreaker(() =>
    logger.warn({ limit: name }, 'Redis does not count requests; each process does for itself'),
  );
  return (request) => breaker.execute(() => inTime(together(request))).catch(() => alone(request));
}

/** A scope of its own for each: the plugin has one store per scope. */
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
 * As cockatiel's time-out, without the signal that it makes and aborts: a tenth of what a booking cost. When this process
 * was busy itself, the answer lies unread in its socket while the timer fires first: it is read before it is called late.
 */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`not counted within ${patienceMs} ms`));
    timer = setTimeout(() => setImmediate(giveUp), patienceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
