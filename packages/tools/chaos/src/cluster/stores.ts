import { waitFor } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';

export interface StoreUrls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** One connection for one thing, straight to the server. */
export async function withDatabase<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000 });
  // A server that is killed under us tells the query that is waiting, too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** One connection for one thing, straight to the server; fails at once when that is away. */
export async function withRedis<T>(redisUrl: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    retryStrategy: () => null,
  });
  // The awaited commands report the same fault.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

export async function runSql(databaseUrl: string, statements: readonly string[]): Promise<void> {
  if (statements.length === 0) return;
  await withDatabase(databaseUrl, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

/** Forgets every event, booking, key and job; the tables stay, and so does what a variant did to them. */
export async function emptyStores({ databaseUrl, redisUrl }: StoreUrls): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    );
    const truncate = `truncate ${rows.map(({ name }) => name).join(', ')}`;
    // The services go on reading meanwhile, in an order of their own: PostgreSQL ends one of two who block each other.
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
