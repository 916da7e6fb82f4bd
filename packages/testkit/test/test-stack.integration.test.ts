import {
  createTestDatabase,
  createTestRedis,
  createTestStack,
  withAdminConnection,
} from '@ticketing/testkit';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { withRedis } from '../src/redis/with-redis.ts';

const query = (url: string, text: string): Promise<unknown[]> =>
  withAdminConnection(url, async (client) => (await client.query(text)).rows);

describe('a test stack', () => {
  it('gives a migrated, empty database', async () => {
    await using stack = await createTestStack();
    expect(await query(stack.databaseUrl, 'select from events')).toEqual([]);
  });

  it('gives each caller a database, and drops it though a client is connected', async () => {
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

  it('gives each caller a logical Redis database, and empties it for the next', async () => {
    const claims = await Promise.all(Array.from({ length: 5 }, () => createTestRedis()));
    expect(new Set(claims.map((claim) => claim.url)).size).toBe(5);
    const [{ url } = { url: '' }] = claims;
    await withRedis(url, (redis) => redis.set('mark', '1'));
    await Promise.all(claims.map((claim) => claim.release()));
    expect(await withRedis(url, (redis) => redis.dbsize())).toBe(0);
  });

  it('runs on servers that listen on loopback only, evict nothing and know UTC', async () => {
    const { databaseUrl, redisUrl } = inject('ticketingTestServers');
    expect(await query(databaseUrl, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(databaseUrl, 'show timezone')).toEqual([{ TimeZone: 'UTC' }]);
    const setting = (name: string) => withRedis(redisUrl, (redis) => redis.config('GET', name));
    expect(await setting('bind')).toEqual(['bind', '127.0.0.1']);
    expect(await setting('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  });
});
