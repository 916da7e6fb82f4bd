import { waitFor } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { LoadResult } from '../load/load-meter.ts';

export async function withDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  // The waiting query reports the end of the server, too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** @returns the address of a new database on the same server */
export async function createDatabase(databaseUrl: string, name: string): Promise<string> {
  await withDatabase(databaseUrl, (client) => client.query(`create database ${name}`));
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Deletes every event, booking, key and job, so that each measurement begins in the same state. */
export async function emptyStores(databaseUrl: string, redisUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    );
    const truncate = `truncate ${rows.map(({ name }) => name).join(', ')}`;
    // The services go on reading, in an order of their own: PostgreSQL ends one of two statements in a deadlock.
    await waitFor(async () => (await client.query(truncate)).command === 'TRUNCATE', {
      description: 'empty tables',
    });
  });
  const redis = new Redis(redisUrl);
  await redis.flushall();
  redis.disconnect();
}

/** Vacuum, statistics and a checkpoint, so that none of them falls into a measurement. */
export async function vacuumTables(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  });
}

/** Waits for the transactions of disconnected callers. The worker's transactions go on. */
export async function waitUntilIdle(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (client) => {
    let idleSince = performance.now();
    await waitFor(
      async () => {
        const { rowCount } = await client.query(
          `select from pg_stat_activity
           where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()
             and application_name <> 'expiry-worker'`,
        );
        if (rowCount !== 0) idleSince = performance.now();
        return performance.now() - idleSince > 200;
      },
      { description: 'the last transactions to end', timeoutMs: 10_000 },
    );
  });
}

/** How many bookings of the table were created in this window. */
export async function countBookings(databaseUrl: string, window: LoadResult, table: string): Promise<number> {
  const text = `select count(*)::int as count from ${table} where created_at >= $1 and created_at < $2`;
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ count: number }>(text, [window.startedAt, window.endedAt]),
  );
  return rows[0]!.count;
}
