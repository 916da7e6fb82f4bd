import { once } from 'node:events';
import { ReplyError, type Redis } from 'ioredis';
import type { InstallationCheck } from '../installation.ts';
import { withDeadline } from '../resilience/deadline.ts';
import { clusterReason, explainRedisError, isRedisRefusal, type RedisTrouble } from './explain-error.ts';
import type { RedisClient } from './keys.ts';
import { describeRefusal, lockAndCacheQuestions, requireRights } from './rights.ts';
import { readServer, unsupportedReason, type RedisServer } from './server.ts';

/** The longest that one question waits; there are about five, one after another. */
const questionLimitMs = 750;

/** Asks the Redis of locks, caches and messages what it gives the engine. Takes 4 s at most, whatever Redis is. */
export function checkRedis(client: RedisClient): Promise<InstallationCheck[]> {
  const questions = lockAndCacheQuestions(client.names);
  return checkServer(client, {
    part: 'redis',
    rights: () => requireRights(client.connection, questions),
    further: [(redis) => checkEviction(redis)],
  });
}

export interface ServerQuestions {
  readonly part: 'redis' | 'queue';
  /** Rejects with what the Redis user may not do. */
  readonly rights: () => Promise<unknown>;
  /** One question of INFO each. */
  readonly further: readonly ((redis: Redis) => Promise<Answer>)[];
}

/** Without advice the answer is fit. */
export interface Answer {
  readonly name: string;
  readonly value: string;
  readonly advice?: string | undefined;
}

/** What goes on without it. */
const instead = {
  redis: 'PostgreSQL decides alone, slower',
  queue: 'the sweep ends holds in place of their jobs',
} as const;

/** What is the same for each part that a Redis may have. */
export async function checkServer(
  { connection, names }: RedisClient,
  { part, rights, further }: ServerQuestions,
): Promise<InstallationCheck[]> {
  const toCheck = ({ name, value, advice = '' }: Answer, isRefused = false): InstallationCheck => ({
    part,
    name,
    value,
    verdict: isRefused ? 'refused' : advice === '' ? 'ok' : 'warning',
    advice,
  });
  const ask = async (name: string, question: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await withDeadline('redis', questionLimitMs, question());
    } catch (error) {
      const advice = isRedisRefusal(error) ? describeRefusal(error) : explainRedisError(error).reason;
      return { name, value: 'unknown', advice };
    }
  };

  let server: RedisServer | null;
  try {
    server = await withDeadline('redis', questionLimitMs, readServer(connection));
  } catch (error) {
    const { reason } = await explainNoAnswer(connection, error);
    if (reason === clusterReason)
      return [toCheck({ name: 'connection', value: 'none', advice: reason }, true)];
    const advice = `${reason} Start it, or correct ${part === 'redis' ? 'REDIS_URL' : 'QUEUE_REDIS_URL'}: until then ${instead[part]}.`;
    return [toCheck({ name: 'connection', value: 'none', advice })];
  }
  const checks = [toCheck({ name: 'connection', value: `database ${connection.options.db ?? 0}` })];
  if (server === null) {
    const advice = 'Redis does not tell its version and mode; let it know HELLO.';
    checks.push(toCheck({ name: 'version', value: 'unknown', advice }));
  } else {
    const { version, mode, role } = server;
    const reason = unsupportedReason(server);
    checks.push(
      toCheck(
        { name: 'version and mode', value: `${version}, ${mode}`, advice: reason },
        reason !== undefined,
      ),
    );
    if (reason !== undefined) return checks;
    const advice =
      role === 'master' ? undefined : 'A replica refuses writes; the URL must lead to its master.';
    checks.push(toCheck({ name: 'role', value: role, advice }));
  }
  const allRights = `all, on ${names.status('*')} and the others`;
  checks.push(
    toCheck(
      await ask('rights', async () => {
        await rights();
        return { name: 'rights', value: part === 'redis' ? allRights : `all, on ${names.queuePrefix}:*` };
      }),
    ),
  );
  for (const question of further) checks.push(toCheck(await ask('INFO', () => question(connection))));
  return checks;
}

/** Any policy is fit: a key that is deleted costs a question to PostgreSQL. */
async function checkEviction(redis: Redis): Promise<Answer> {
  return { name: 'maxmemory-policy', value: await readPolicy(redis) };
}

export async function readPolicy(redis: Redis): Promise<string> {
  return /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1] ?? 'unknown';
}

/** A client that does not connect says why with each attempt. */
async function explainNoAnswer(redis: Redis, error: unknown): Promise<RedisTrouble> {
  if (error instanceof ReplyError) return explainRedisError(error);
  const next = once(redis, 'error').then(([connectionError]) => connectionError as unknown);
  return explainRedisError(await withDeadline('redis', questionLimitMs, next).catch(() => error));
}
