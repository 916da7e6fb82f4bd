import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isStaff, type Caller } from '../auth/caller.ts';
import { addressOf } from '../http/client-address.ts';
import { namedPlugin } from '../http/http-service.ts';
import { HttpError } from '../problems/http-error.ts';
import { circuitBreaker, ConsecutiveBreaker, handleAll, type IPolicy } from 'cockatiel';
import {
  createProcessCounter,
  createRedisCounter,
  type CounterRedis,
  type WindowCount,
} from './window-counter.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request that counts for its address. The routes of `/docs`, registered before the limits, never have it. */
    addressCount: AddressCount | undefined;
  }
}

export interface LimitOptions {
  /** RATE_LIMIT_MAX; 0 is no limit. */
  readonly max: number;
  /** RATE_LIMIT_STAFF_MAX; `max` by default. */
  readonly staffMax?: number;
  /** RATE_LIMIT_WINDOW_SECONDS */
  readonly windowSeconds: number;
  /** An ioredis client of its own, whose commands fail at once while Redis is down. */
  readonly redis?: CounterRedis | undefined;
  /** REDIS_KEY_PREFIX; empty by default. */
  readonly keyPrefix?: string;
  readonly logger: Logger;
}

/** Behind one address sit a household, an office, or the whole network of a phone company. */
const addressFactor = 10;

interface AddressCount {
  /** Seconds to wait when there were too many, unless the token turns out to be one of staff. */
  readonly waitSeconds: number | undefined;
  readonly giveBack: () => void;
}

/**
 * Counts the requests that write, and requests for unknown routes, per address; before a token is verified. Beyond the
 * limit requests without a token are refused at once; one with a token when it is no token of staff, and in any case
 * beyond the limit of staff: the number of tokens that an address can try is bounded.
 */
export const addressLimit = namedPlugin<LimitOptions>(
  { name: 'address-limit', after: ['request-context', 'client-address'] },
  (app, options) => {
    app.decorateRequest('addressCount', undefined);
    const { max, staffMax = max } = options;
    if (max === 0) return;
    const most = max * addressFactor;
    const count = createLimiter('address', options);
    app.addHook('onRequest', async (request, reply) => {
      if (!isWriting(request) && !request.is404) return;
      const { waitSeconds, giveBack, ...counted } = await count(addressOf(request));
      const isOver = counted.count > most;
      const mayBeStaff = request.headers.authorization !== undefined && counted.count <= most + staffMax;
      if (isOver && !mayBeStaff) refuse(reply, waitSeconds);
      request.addressCount = { waitSeconds: isOver ? waitSeconds : undefined, giveBack };
    });
  },
);

/**
 * Ends the count of an address once the caller is known: that of a verified caller with a role is given back, so that the
 * limit of its address does not undo its own.
 *
 * @param caller null when the token is not valid
 * @throws HttpError RATE_LIMITED when the address has sent too many, and the caller is not staff
 */
export function endAddressCount(request: FastifyRequest, reply: FastifyReply, caller: Caller | null): void {
  const { addressCount } = request;
  if (addressCount === undefined) return;
  if (caller !== null && isStaff(caller)) addressCount.giveBack();
  else if (addressCount.waitSeconds !== undefined) refuse(reply, addressCount.waitSeconds);
}

/**
 * Limits the requests that write per user: the user of the token, before the body is read, or, while authentication is
 * off, the user that the body names. Callers whose verified token has a role have a limit of their own.
 */
export const userLimit = namedPlugin<LimitOptions>(
  { name: 'user-limit', after: ['authentication'] },
  (app, options) => {
    const { max, staffMax = max } = options;
    if (max === 0) return;
    const limitUsers = limitTo(max, createLimiter('user', options));
    const limitStaff = limitTo(staffMax, createLimiter('staff', options));
    app.addHook('onRequest', async (request, reply) => {
      const { caller } = request;
      if (!isWriting(request) || caller.userId === null) return;
      await (isStaff(caller) ? limitStaff : limitUsers)(caller.userId, reply);
    });
    app.addHook('preHandler', async (request, reply) => {
      if (!isWriting(request) || request.caller.userId !== null) return;
      const userId = namedUserOf(request);
      if (userId !== undefined) await limitUsers(userId, reply);
    });
  },
);

function limitTo(most: number, count: Limiter): (key: string, reply: FastifyReply) => Promise<void> {
  return async (key, reply) => {
    const counted = await count(key);
    if (counted.count > most) refuse(reply, counted.waitSeconds);
  };
}

function refuse(reply: FastifyReply, waitSeconds: number): never {
  reply.header('retry-after', String(waitSeconds));
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

/** Counts a request for a key. */
type Limiter = (key: string) => Promise<{
  readonly count: number;
  /** Until the window ends. */
  readonly waitSeconds: number;
  /** Takes it back from where it was counted. */
  readonly giveBack: () => void;
}>;

/** A late counter costs a request this much, once a second. */
const timeoutMs = 100;
const pauseMs = 1_000;
/** Without Redis a process remembers this many keys; beyond them it forgets the oldest and counts them from zero. */
const keysPerProcess = 20_000;

/**
 * Counts requests by key in a window of time, over all processes, as `<prefix>limit:<name>:<key>`. While Redis is down
 * each process counts alone: the effective limit is multiplied by the number of processes, and no request waits for Redis.
 */
function createLimiter(
  name: string,
  { redis, windowSeconds, keyPrefix = '', logger }: LimitOptions,
): Limiter {
  const windowMs = windowSeconds * 1_000;
  const inProcess = createProcessCounter({ windowMs, maxKeys: keysPerProcess });
  const countAlone: Limiter = async (key) =>
    toCounted(await inProcess.add(key), () => void inProcess.giveBack(key));
  if (redis === undefined) return countAlone;

  const inRedis = createRedisCounter(redis, { namespace: `${keyPrefix}limit:${name}:`, windowMs });
  const breaker = createBreaker(name, logger);
  return (key) =>
    breaker
      .execute(async () =>
        toCounted(await inTime(inRedis.add(key)), () => {
          // Lost with Redis: the window ends all the same.
          inRedis.giveBack(key).catch(() => undefined);
        }),
      )
      .catch(() => countAlone(key));
}

function toCounted({ count, remainingMs }: WindowCount, giveBack: () => void): Awaited<ReturnType<Limiter>> {
  return { count, waitSeconds: Math.max(1, Math.ceil(remainingMs / 1_000)), giveBack };
}

function createBreaker(limit: string, logger: Logger): IPolicy {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: pauseMs,
    breaker: new ConsecutiveBreaker(1),
  });
  const members = { limit, dependency: 'redis' };
  // A probe that fails breaks it again: the log says once that it opened.
  let isOpen = false;
  breaker.onBreak(() => {
    if (!isOpen)
      logger.warn(members, 'circuit opened: each process counts its own requests for the rate limit');
    isOpen = true;
  });
  breaker.onReset(() => {
    isOpen = false;
    logger.info(members, 'circuit closed: all processes count together for the rate limit');
  });
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
