import { createPrivateStack, type PrivateStack } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let stack: PrivateStack;

beforeAll(async () => {
  stack = await createPrivateStack();
});

afterAll(() => stack.dispose());

async function countEvents(): Promise<unknown> {
  const client = new pg.Client({
    connectionString: stack.databaseUrl,
    connectionTimeoutMillis: 500,
    query_timeout: 500,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query('select count(*)::int as events from events')).rows;
  } finally {
    await client.end();
  }
}

async function ping(): Promise<string> {
  const redis = new Redis(stack.redisUrl, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 500,
    commandTimeout: 500,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await redis.ping();
  } finally {
    redis.disconnect();
  }
}

describe('a private stack', () => {
  it('can have its PostgreSQL frozen, thawed, killed and started again, at one address', async () => {
    expect(await countEvents()).toEqual([{ events: 0 }]);
    await stack.postgres.freeze();
    await expect(countEvents()).rejects.toThrow('timeout');
    await stack.postgres.thaw();
    expect(await countEvents()).toEqual([{ events: 0 }]);
    await stack.postgres.kill();
    await expect(countEvents()).rejects.toThrow('ECONNREFUSED');
    await stack.postgres.start();
    expect(await countEvents()).toEqual([{ events: 0 }]);
  });

  it('can have its Redis frozen, thawed, killed and started again, at one address', async () => {
    expect(await ping()).toBe('PONG');
    await stack.redis.freeze();
    await expect(ping()).rejects.toThrow('closed');
    await stack.redis.thaw();
    expect(await ping()).toBe('PONG');
    await stack.redis.kill();
    await expect(ping()).rejects.toThrow('closed');
    await stack.redis.start();
    expect(await ping()).toBe('PONG');
  });

  it('can be disposed of while it is frozen', async () => {
    const frozen = await createPrivateStack();
    await Promise.all([frozen.postgres.freeze(), frozen.redis.freeze()]);
    await expect(frozen.dispose()).resolves.toBeUndefined();
  });
});
