import { waitFor, type PrivateStack } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';

/** Runs the work on one connection, straight to the server. */
export async function withDatabase<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000 });
  // When the server is killed, the awaited query fails, too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs the work on one connection, straight to the server; fails at once while the server is away. */
export async function withRedis<T>(redisUrl: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    retryStrategy: () => null,
  });
  // The awaited commands report the same error.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** Deletes every event, booking, key and job; the tables stay as the variant left them. */
export async function emptyStores({ databaseUrl, redisUrl }: PrivateStack): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    );
    const truncate = `truncate ${rows.map(({ name }) => name).join(', ')}`;
    // The services read meanwhile, in an order of their own: PostgreSQL ends one of two sessions in a deadlock.
    await waitFor(
      async () => {
        await client.query(truncate);
        return true;
      },
      { description: 'every table to be emptied', timeoutMs: 10_000 },
    );
  });
  await withRedis(redisUrl, (redis) => redis.flushall());
}
