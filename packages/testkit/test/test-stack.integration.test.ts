import { createTestDatabase, createTestRedis, createTestStack } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('a test stack', () => {
  it('gives a migrated, empty database', async () => {
    await using stack = await createTestStack();
    expect(await query(stack.databaseUrl, 'select count(*)::int as events from events')).toEqual([
      { events: 0 },
    ]);
  });

  it('gives each caller a database of its own, and drops it while somebody is connected', async () => {
    const first = await createTestDatabase();
    await using second = await createTestDatabase();
    await query(first.url, 'create table mark (id int)');
    expect(await query(second.url, `select to_regclass('mark') as mark`)).toEqual([{ mark: null }]);

    const lingering = new pg.Client({ connectionString: first.url });
    await lingering.connect();
    const ended = new Promise((resolve) => lingering.on('error', resolve));
    await first.drop();
    expect(await ended).toMatchObject({ code: '57P01' });
    await expect(query(first.url, 'select 1')).rejects.toMatchObject({ code: '3D000' });
  });

  it('gives each caller a logical Redis database of its own, empty again for the next', async () => {
    const claims = await Promise.all(Array.from({ length: 5 }, () => createTestRedis()));
    expect(new Set(claims.map((claim) => claim.url)).size).toBe(5);
    const [first] = claims;
    const redis = new Redis(first?.url ?? '');
    await redis.set('mark', '1');
    await Promise.all(claims.map((claim) => claim.release()));
    expect(await redis.dbsize()).toBe(0);
    redis.disconnect();
  });

  it('runs on servers that listen on loopback only, evict nothing and know UTC', async () => {
    const { databaseUrl, redisUrl } = inject('ticketingTestServers');
    expect(await query(databaseUrl, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(databaseUrl, 'show timezone')).toEqual([{ TimeZone: 'UTC' }]);
    const redis = new Redis(redisUrl);
    expect(await redis.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    redis.disconnect();
  });
});
