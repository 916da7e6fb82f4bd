import { Type } from '@sinclair/typebox';
import { createExpiryQueue, openQueueRedis, type ExpiryQueue } from '@ticketing/seat-core/clients';
import { commonVariables, readConfig } from '@ticketing/service-kit';
import { describeServer } from './describe-server.ts';
import { OpsError, type OpsContext } from './ops-context.ts';
import { reasonOf } from './reason-of.ts';

const configSchema = Type.Object({
  REDIS_URL: commonVariables.REDIS_URL,
  REDIS_KEY_PREFIX: commonVariables.REDIS_KEY_PREFIX,
  QUEUE_REDIS_URL: Type.Optional(commonVariables.REDIS_URL),
});

/** Opens the queue of the services of this environment while `work` runs. */
export async function withQueue<T>(
  { env }: OpsContext,
  work: (queue: ExpiryQueue) => Promise<T>,
): Promise<T> {
  const config = readConfig(configSchema, env);
  const redisUrl = config.QUEUE_REDIS_URL ?? config.REDIS_URL;
  let lastError: unknown;
  const refuse = (error: unknown): never => {
    const reason = reasonOf(lastError ?? error);
    throw new OpsError(`Redis (${describeServer(redisUrl)}) does not answer: ${reason}`, { cause: error });
  };
  const remember = (error: Error) => {
    lastError = error;
  };
  const redis = await openQueueRedis({ redisUrl, onConnectionError: remember }).catch(refuse);
  try {
    await redis.ping().catch(refuse);
    const queue = createExpiryQueue(redis, config.REDIS_KEY_PREFIX);
    queue.on('error', remember);
    return await work(queue);
  } finally {
    redis.disconnect();
  }
}
