import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import type { Logger } from 'pino';
import { isStaff, type Caller } from '../auth/caller.ts';
import { addressOf } from '../http/client-address.ts';
import { namedPlugin, type HttpService } from '../http/http-service.ts';
import { HttpError } from '../problems/http-error.ts';
import type { CounterRedis } from './redis-counter.ts';
import { SharedCounter, waitSecondsOf, type Counted } from './shared-counter.ts';

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
  readonly counter: SharedCounter;
  readonly counted: Counted;
  /** Whether there were too many, unless the token turns out to be one of staff. */
  readonly isOver: boolean;
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
    const counter = addCounter(app, 'address', most, options);
    app.addHook('onRequest', (request, reply, done) => {
      if (!isWriting(request) && !request.is404) return done();
      const judge = (counted: Counted) => {
        const isOver = counted.count > most;
        const mayBeStaff = request.headers.authorization !== undefined && counted.count <= most + staffMax;
        if (isOver && !mayBeStaff) return refusal(reply, counted);
        request.addressCount = { counter, counted, isOver };
        return undefined;
      };
      judgeWhenCounted(counter.add(addressOf(request)), judge, done);
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
  const { counter, counted, isOver } = addressCount;
  if (caller !== null && isStaff(caller)) counter.giveBack(counted);
  else if (isOver) throw refusal(reply, counted);
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
    const limitUsers = limitTo(max, addCounter(app, 'user', max, options));
    const limitStaff = limitTo(staffMax, addCounter(app, 'staff', staffMax, options));
    app.addHook('onRequest', (request, reply, done) => {
      const { caller } = request;
      if (!isWriting(request) || caller.userId === null) return done();
      (isStaff(caller) ? limitStaff : limitUsers)(caller.userId, reply, done);
    });
    app.addHook('preHandler', (request, reply, done) => {
      if (!isWriting(request) || request.caller.userId !== null) return done();
      const userId = namedUserOf(request);
      if (userId === undefined) return done();
      limitUsers(userId, reply, done);
    });
  },
);

/** Ends with the service, which then tells the other processes of its last requests. */
function addCounter(
  app: HttpService,
  name: string,
  max: number,
  { redis, windowSeconds, keyPrefix = '', logger }: LimitOptions,
): SharedCounter {
  const counter = new SharedCounter({ name, max, windowMs: windowSeconds * 1_000, redis, keyPrefix, logger });
  app.addHook('onClose', () => counter.close());
  return counter;
}

function limitTo(max: number, counter: SharedCounter) {
  return (key: string, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const judge = (counted: Counted) => (counted.count > max ? refusal(reply, counted) : undefined);
    judgeWhenCounted(counter.add(key), judge, done);
  };
}

/** What was counted at once is judged at once: each promise would cost a request a turn of the event loop. */
function judgeWhenCounted(
  counted: Counted | Promise<Counted>,
  judge: (counted: Counted) => HttpError | undefined,
  done: HookHandlerDoneFunction,
): void {
  if (counted instanceof Promise) void judgeLater(counted, judge, done);
  else done(judge(counted));
}

async function judgeLater(
  counted: Promise<Counted>,
  judge: (counted: Counted) => HttpError | undefined,
  done: HookHandlerDoneFunction,
): Promise<void> {
  done(judge(await counted));
}

function refusal(reply: FastifyReply, { window }: Counted): HttpError {
  reply.header('retry-after', String(waitSecondsOf(window)));
  return new HttpError('RATE_LIMITED');
}

function isWriting({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

/** The route refuses a malformed user id; it must not become a key before. */
function namedUserOf({ body }: FastifyRequest): string | undefined {
  const named = (body as { readonly userId?: unknown } | null | undefined)?.userId;
  return typeof named === 'string' && /^[\x21-\x7e]{1,128}$/.test(named) ? named : undefined;
}
