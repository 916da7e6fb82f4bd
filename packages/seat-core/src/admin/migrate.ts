import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator';
import pg from 'pg';
import { grantServiceRole } from './grant-service-role.ts';

const ownMigrations = fileURLToPath(new URL('../../migrations', import.meta.url));

/** The first line of a migration whose statements PostgreSQL takes in no transaction, or that would hold a lock to its end. */
const outsideATransaction = /^-- outside a transaction\b/;

/** One number for all that migrate this schema, in whatever process: "seats" in ASCII. */
const migrationLock = 0x7365617473;

export interface MigrateOptions {
  /** Connection of the role that owns the tables. */
  readonly databaseUrl: string;
  /** A role that exists and is to serve with no more rights than it needs; by default none is granted anything. */
  readonly serviceRole?: string;
  /** With other migrations than those of this build: for the rehearsal of some that are to come. */
  readonly migrationsFolder?: string;
  readonly onProgress?: (message: string) => void;
}

/**
 * The role that serves, where it is not the owner of the tables.
 *
 * @param ownerUrl as in MIGRATE_DATABASE_URL
 * @param serviceUrl as in DATABASE_URL
 */
export function serviceRoleOf(ownerUrl: string, serviceUrl: string | undefined): string | undefined {
  const roleOf = (url: string) => (URL.canParse(url) ? decodeURIComponent(new URL(url).username) : '');
  const role = roleOf(serviceUrl ?? '');
  return role === '' || role === roleOf(ownerUrl) ? undefined : role;
}

/**
 * Brings the database to the schema of this build: each migration in a transaction of its own, or statement by
 * statement where its first line says `-- outside a transaction`; such a one is done again from its beginning when it
 * failed. An advisory lock lets any number start together, and all but one find nothing left to do.
 * Then the service role, if one is named, is granted what it needs.
 *
 * @returns how many migrations this call applied
 */
export async function runMigrations(options: MigrateOptions): Promise<{ applied: number }> {
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: 'seat-core-migrate',
    connectionTimeoutMillis: 5_000,
  });
  await client.connect();
  try {
    await takeLock(client);
    const { count, newestAt } = await readApplied(client);
    options.onProgress?.(`${count} migrations are applied; looking for newer ones`);
    const migrations = readMigrationFiles({ migrationsFolder: options.migrationsFolder ?? ownMigrations });
    const pending = migrations.filter(({ folderMillis }) => folderMillis > newestAt);
    for (const migration of pending) await apply(client, migration);
    if (options.serviceRole !== undefined) {
      await grantServiceRole(client, options.serviceRole);
      options.onProgress?.(`role ${options.serviceRole} may serve`);
    }
    const applied = pending.length;
    options.onProgress?.(applied === 0 ? 'the schema is current' : `applied ${applied} migrations`);
    return { applied };
  } finally {
    await client.end();
  }
}

/** Asks again and again: `create index concurrently` of whoever has it would wait for one that waits in a statement. */
async function takeLock(client: pg.Client): Promise<void> {
  const take = 'select pg_try_advisory_lock($1) as taken';
  while (!(await client.query<{ taken: boolean }>(take, [migrationLock])).rows[0]?.taken) await delay(100);
}

/** Its table and its columns are those of Drizzle's own `migrate()`, which knows one transaction for everything only. */
async function readApplied(client: pg.Client): Promise<{ count: number; newestAt: number }> {
  await client.query('create schema if not exists drizzle');
  await client.query(
    'create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
  );
  const { rows } = await client.query<{ count: number; newestAt: number }>(
    'select count(*)::int as count, coalesce(max(created_at), 0)::float8 as "newestAt" from drizzle.__drizzle_migrations',
  );
  return rows[0]!;
}

/** What fails leaves its transaction to the end of the connection, which takes it back. */
async function apply(client: pg.Client, { sql, hash, folderMillis }: MigrationMeta): Promise<void> {
  const inside = !outsideATransaction.test(sql[0] ?? '');
  if (inside) await client.query('begin');
  for (const statement of sql) await client.query(statement);
  const record = 'insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)';
  await client.query(record, [hash, folderMillis]);
  if (inside) await client.query('commit');
}
