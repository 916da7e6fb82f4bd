/* The table and its columns are those of Drizzle's own `migrate()`, which runs all migrations in one transaction only. */

export const createMigrationsSchema = 'create schema if not exists drizzle';

export const createMigrationsTable =
  'create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)';

export const readApplied =
  'select count(*)::int as count, coalesce(max(created_at), 0)::float8 as "newestAt" from drizzle.__drizzle_migrations';

/** $1 hash, $2 milliseconds since 1970 */
export const recordMigration = 'insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)';

/** $1 lock */
export const tryLock = 'select pg_try_advisory_lock($1) as taken';
