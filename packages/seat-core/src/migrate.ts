import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { grantServiceRole } from './grant-service-role.ts';

const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));

/** One number for all that migrate this schema, in whatever process: "seats" in ASCII. */
const migrationLock = 0x7365617473;

export interface MigrateOptions {
  /** Connection of the role that owns the tables. */
  readonly databaseUrl: string;
  /** A role that exists and is to serve with no more rights than it needs; by default none is granted anything. */
  readonly serviceRole?: string;
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
 * Brings the database to the schema of this build. Drizzle's `migrate()` fails when two run at once;
 * an advisory lock lets any number start together, and all but one find nothing left to do.
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
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    const before = await countApplied(client);
    options.onProgress?.(`${before} migrations are applied; looking for newer ones`);
    await migrate(drizzle(client), { migrationsFolder });
    const applied = (await countApplied(client)) - before;
    if (options.serviceRole !== undefined) {
      await grantServiceRole(client, options.serviceRole);
      options.onProgress?.(`role ${options.serviceRole} may serve`);
    }
    options.onProgress?.(applied === 0 ? 'the schema is current' : `applied ${applied} migrations`);
    return { applied };
  } finally {
    await client.end();
  }
}

async function countApplied(client: pg.Client): Promise<number> {
  const { rows: tables } = await client.query<{ present: boolean }>(
    `select to_regclass('drizzle.__drizzle_migrations') is not null as present`,
  );
  if (tables[0]?.present !== true) return 0;
  const { rows } = await client.query<{ n: number }>(
    'select count(*)::int as n from drizzle.__drizzle_migrations',
  );
  return rows[0]?.n ?? 0;
}
