import {
  createPrivateStack,
  type FaultyServer,
  type PrivateStack,
  withAdminConnection,
} from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withRedis } from '../src/redis/with-redis.ts';

let stack: PrivateStack;

beforeAll(async () => {
  stack = await createPrivateStack();
});

afterAll(() => stack.dispose());

/** A frozen server accepts the connection and never answers. */
function withinOneSecond<T>(work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no answer')), 1_000)),
  ]);
}

const query = () =>
  withAdminConnection(
    stack.databaseUrl,
    async (client) => (await client.query('select from events')).rowCount,
  );
const ping = () => withRedis(stack.redisUrl, (redis) => redis.ping());

describe('a private stack', () => {
  it.each([
    ['PostgreSQL', () => stack.postgres, query, 0],
    ['Redis', () => stack.redis, ping, 'PONG'],
  ] satisfies [string, () => FaultyServer, () => Promise<unknown>, unknown][])(
    'freezes, thaws, kills and restarts its %s at one address',
    async (_name, server, ask, answer) => {
      expect(await ask()).toBe(answer);
      await server().freeze();
      const pending: Promise<unknown> = ask();
      await expect(withinOneSecond(pending)).rejects.toThrow('no answer');
      await server().thaw();
      expect(await pending).toBe(answer);
      await server().kill();
      await expect(ask()).rejects.toThrow(/ECONNREFUSED|closed/);
      await server().start();
      expect(await ask()).toBe(answer);
    },
  );

  it('can be disposed of while it is frozen', async () => {
    const frozen = await createPrivateStack();
    await Promise.all([frozen.postgres.freeze(), frozen.redis.freeze()]);
    await expect(frozen.dispose()).resolves.toBeUndefined();
  });
});
