import { waitFor } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';

export async function withDatabase<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // A server that is stopped under us tells the query that is waiting, too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Forgets every event, booking, key and job, so that each measurement begins with the same. */
export async function emptyStores(databaseUrl: string, redisUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    );
    const truncate = `truncate ${rows.map(({ name }) => name).join(', ')}`;
    // The services go on reading meanwhile, in an order of their own: PostgreSQL ends one of two who block each other.
    await waitFor(async () => (await client.query(truncate)).command === 'TRUNCATE', {
      description: 'every table to be emptied',
    });
  });
  const redis = new Redis(redisUrl);
  await redis.flushall();
  redis.disconnect();
}

/** What autovacuum would do in its time, and a checkpoint: so that none of it falls into a measurement. */
export async function settleTables(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  });
}

/** Until nobody's request has a transaction open: callers who went away left some behind. The worker's work goes on. */
export async function untilQuiet(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    let quietSince = performance.now();
    await waitFor(
      async () => {
        const { rowCount } = await client.query(
          `select from pg_stat_activity
           where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()
             and application_name <> 'expiry-worker'`,
        );
        if (rowCount !== 0) quietSince = performance.now();
        return performance.now() - quietSince > 200;
      },
      { description: 'the last transactions to end', timeoutMs: 10_000 },
    );
  });
}

/** How many bookings the table has that were made in this window. */
export async function countBookings(
  databaseUrl: string,
  window: { readonly startedAt: Date; readonly endedAt: Date },
  table = 'bookings',
): Promise<number> {
  return withDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from ${table} where created_at >= $1 and created_at < $2`,
      [window.startedAt, window.endedAt],
    );
    return rows[0]!.count;
  });
}
