import { ReplyError, type Redis } from 'ioredis';
import type { SeatCoreMetrics } from '../metrics.ts';
import type { SeatCoreLogger } from '../options.ts';
import { CircuitBreaker, CircuitOpenError } from '../resilience/circuit-breaker.ts';
import { isRedisRefusal, RedisSetupError, SlowRedisError } from './explain-error.ts';
import type { RedisClient } from './keys.ts';
import { lockAndCacheQuestions, requireRights } from './rights.ts';
import { readServer, requireSupported } from './server.ts';

/** The longest that one step of a request waits for Redis. After a failed step the request uses Redis no more. */
const stepLimitMs = 250;
/** Several steps of a request at this pace take longer than what they save. */
const slowMs = 150;
/** Unanswered probes after which the connection is replaced. */
const silentProbes = 3;

/** Whether an error means that Redis cannot be used, rather than that it refuses one command for the value of its key. */
export function isRedisOutage(error: unknown): boolean {
  if (error instanceof CircuitOpenError) return false;
  return !(error instanceof ReplyError) || isRedisRefusal(error);
}

export interface ProbeQuestions {
  /** One write without an effect, asked each time: a full Redis and a replica refuse it. */
  readonly write: () => Promise<unknown>;
  /** All that the work does, asked by a thorough probe. */
  readonly rights: () => Promise<unknown>;
}

/**
 * Makes the probe: can this Redis do the work, in a time that is worth it? Two slow answers in a row count as an
 * outage. A connection that stays silent is replaced: its peer may have vanished without a FIN, and Linux would keep
 * the socket for a quarter of an hour. Without a connection the probe fails with the reason why there is none.
 */
export function createRedisProbe(
  redis: Redis,
  { write, rights }: ProbeQuestions,
): (isThorough: boolean) => Promise<void> {
  let unanswered = 0;
  let slow = 0;
  let connectionError: Error | undefined;
  // What Redis says before it ends the connection tells more than the end.
  redis.on('error', (error: Error) => {
    if (!(connectionError instanceof ReplyError)) connectionError = error;
  });
  redis.on('connect', () => (connectionError = undefined));
  return async (isThorough) => {
    if (unanswered >= silentProbes && redis.status === 'ready') {
      unanswered = 0;
      redis.disconnect(true);
    }
    unanswered += 1;
    const sentAt = performance.now();
    try {
      // The server first: in cluster mode the rights fail, too.
      await (isThorough ? Promise.all([readServer(redis).then(requireSupported), rights()]) : write());
      unanswered = 0;
    } catch (error) {
      if (!(error instanceof ReplyError)) throw explainConnection(redis, connectionError) ?? error;
      unanswered = 0;
      throw error;
    }
    const tookMs = performance.now() - sentAt;
    slow = tookMs > slowMs ? slow + 1 : 0;
    if (slow >= 2) throw new SlowRedisError(`Redis took ${Math.round(tookMs)} ms to answer.`);
  };
}

/** A server without TLS reads a handshake as the beginning of a command, and waits for its end. */
function explainConnection({ options }: Redis, error: Error | undefined): Error | undefined {
  if (options.tls === undefined || error?.message !== 'connect ETIMEDOUT') return error;
  return new RedisSetupError(
    'Redis does not answer the TLS handshake: it is down, or its URL must begin with redis:// instead of rediss://.',
  );
}

/**
 * Puts the Redis of locks and caches behind its circuit breaker.
 *
 * @param onClosed called with the length of the outage in ms
 */
export function createRedisBreaker(
  client: RedisClient,
  {
    metrics,
    logger,
    onClosed,
  }: {
    readonly metrics: SeatCoreMetrics;
    readonly logger: SeatCoreLogger;
    readonly onClosed: (outageMs: number) => Promise<unknown>;
  },
): CircuitBreaker<RedisClient> {
  const { connection, names } = client;
  const questions = lockAndCacheQuestions(names);
  const probe = createRedisProbe(connection, {
    write: () => connection.set(names.probe.status, '', 'XX'),
    rights: () => requireRights(connection, questions),
  });
  return new CircuitBreaker({
    name: 'redis',
    client,
    probe: (_, isThorough) => probe(isThorough),
    limitMs: stepLimitMs,
    isOutage: isRedisOutage,
    isRefusal: isRedisRefusal,
    logger,
    onState: (isOpen) => metrics.redisCircuitOpen.set({ part: 'redis' }, Number(isOpen)),
    onClosed,
  });
}
