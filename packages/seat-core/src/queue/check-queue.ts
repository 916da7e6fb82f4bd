import type { Redis } from 'ioredis';
import type { InstallationCheck } from '../installation.ts';
import { checkServer, readPolicy, type Answer } from '../redis/check-redis.ts';
import type { RedisClient } from '../redis/keys.ts';
import { askForQueueRights } from './queue-rights.ts';

/** Asks the Redis of the queue what it gives to programs that add jobs and to workers. Takes 5 s at most. */
export function checkQueue(client: RedisClient): Promise<InstallationCheck[]> {
  return checkServer(client, {
    part: 'queue',
    rights: askForQueueRights(client, 'take'),
    further: [checkEviction, checkPersistence],
  });
}

async function checkEviction(redis: Redis): Promise<Answer> {
  const policy = await readPolicy(redis);
  const advice = 'When it is full this Redis deletes clean-up jobs; set maxmemory-policy noeviction.';
  return { name: 'maxmemory-policy', value: policy, ...(policy === 'noeviction' ? {} : { advice }) };
}

async function checkPersistence(redis: Redis): Promise<Answer> {
  const info = await redis.info('persistence');
  if (/^aof_enabled:1/m.test(info)) return { name: 'persistence', value: 'appendonly' };
  const [, save = ''] = (await redis.config('GET', 'save').catch(() => [])) as string[];
  return {
    name: 'persistence',
    value: save === '' ? 'none' : 'snapshots',
    advice:
      'A restart of this Redis loses clean-up jobs, and the sweep ends their holds; set appendonly yes.',
  };
}
