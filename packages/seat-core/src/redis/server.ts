import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { withDeadline } from '../resilience/deadline.ts';
import { clusterReason, explainRedisError, isUnknownCommand, RedisSetupError } from './explain-error.ts';

/** What a Redis says about itself. */
export interface RedisServer {
  /** Such as `7.0.15`. */
  readonly version: string;
  readonly mode: 'standalone' | 'cluster' | 'sentinel' | (string & {});
  readonly role: 'master' | 'replica' | (string & {});
}

const oldestMajor = 7;

/**
 * Read from HELLO, which no user can be refused, unlike INFO.
 *
 * @returns null when Redis does not tell
 */
export async function readServer(redis: Redis): Promise<RedisServer | null> {
  const reply: unknown = await redis.call('HELLO').catch((error: unknown) => {
    if (isUnknownCommand(error)) return null;
    throw error;
  });
  const fields = Array.isArray(reply) ? toRecord(reply) : ((reply ?? {}) as Record<string, unknown>);
  const { version, mode, role } = fields;
  if (typeof version !== 'string' || typeof mode !== 'string' || typeof role !== 'string') return null;
  return { version, mode, role };
}

/** Why the engine can never work with this Redis; undefined when it can. */
export function unsupportedReason({ version, mode }: RedisServer): string | undefined {
  if (mode === 'cluster') return clusterReason;
  if (mode === 'sentinel') return 'Redis Sentinel answers at this URL, which must lead to the master itself.';
  const major = Number.parseInt(version, 10);
  if (major < oldestMajor) return `Redis is version ${version}; the engine needs ${oldestMajor} or newer.`;
  return undefined;
}

/** @throws RedisSetupError */
export function requireSupported(server: RedisServer | null): void {
  const reason = server === null ? undefined : unsupportedReason(server);
  if (reason !== undefined) throw new RedisSetupError(reason);
}

const startLimitMs = 750;

/**
 * Refuses a Redis that the engine can never use. One that is away, or does not tell, is used once it is there.
 *
 * @param variable that the services read its URL from
 * @throws RedisSetupError
 */
export async function requireSupportedRedis(redis: Redis, variable: string): Promise<void> {
  const reason = await withDeadline('redis', startLimitMs, findUnsupportedReason(redis)).catch(
    () => undefined,
  );
  if (reason !== undefined) throw new RedisSetupError(reason.replace(/^Redis/, `Redis at ${variable}`));
}

async function findUnsupportedReason(redis: Redis): Promise<string | undefined> {
  const server = await readServer(redis).catch(() => null);
  if (server !== null) return unsupportedReason(server);
  // A cluster refuses the number of a database, and with it the connection.
  const [error] = (await once(redis, 'error')) as [Error];
  const { reason } = explainRedisError(error);
  return reason === clusterReason ? reason : undefined;
}

function toRecord(reply: readonly unknown[]): Record<string, unknown> {
  const pairs = Array.from({ length: reply.length / 2 }, (_, index): [string, unknown] => [
    String(reply[2 * index]),
    reply[2 * index + 1],
  ]);
  return Object.fromEntries(pairs);
}
