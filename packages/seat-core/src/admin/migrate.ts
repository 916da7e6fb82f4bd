import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator';
import type pg from 'pg';
import { connectAdmin, createAdminClient } from '../postgres/session.ts';
import { grantServiceRole } from './grants.ts';
import {
  createMigrationsSchema,
  createMigrationsTable,
  readApplied,
  recordMigration,
  tryLock,
} from './migrate.sql.ts';

const ownMigrations = fileURLToPath(new URL('../../migrations', import.meta.url));

/** First line of a migration with statements that PostgreSQL refuses inside a transaction, or that would hold a lock to its end. */
const outsideATransaction = /^-- outside a transaction\b/;

/** The advisory lock of the process that migrates: "seats" in ASCII. */
const migrationLock = 0x7365617473;

export interface MigrateOptions {
  /** `postgres://…` of the role that owns the tables. */
  readonly databaseUrl: string;
  /** An existing role of the services, which is granted the rights it needs and no more. Default: no role. */
  readonly serviceRole?: string;
  /** Other migrations than those of this build, to rehearse future ones. */
  readonly migrationsFolder?: string;
  readonly onProgress?: (message: string) => void;
}

/**
 * The role of the services, if it is not the owner of the tables.
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
 * Migrates the database to the schema of this build: each migration in a transaction of its own, or statement by
 * statement if its first line is `-- outside a transaction`; such a migration starts again from its beginning after a
 * failure. Any number of processes may call this together: an advisory lock lets one migrate, and the others find
 * nothing left to do. Then the service role, if one is named, gets its rights.
 *
 * @returns how many migrations this call applied
 * @throws the driver's error
 * @example
 * await runMigrations({ databaseUrl: 'postgres://owner@127.0.0.1/ticketing', serviceRole: 'ticketing_service' });
 */
export async function runMigrations(options: MigrateOptions): Promise<{ applied: number }> {
  const client = createAdminClient({
    databaseUrl: options.databaseUrl,
    applicationName: 'seat-core-migrate',
  });
  try {
    await connectAdmin(client);
    await takeLock(client);
    const { count, newestAt } = await findApplied(client);
    options.onProgress?.(`${count} migrations applied before; looking for newer ones`);
    const migrations = readMigrationFiles({ migrationsFolder: options.migrationsFolder ?? ownMigrations });
    const pending = migrations.filter(({ folderMillis }) => folderMillis > newestAt);
    for (const migration of pending) await apply(client, migration);
    if (options.serviceRole !== undefined) {
      await grantServiceRole(client, options.serviceRole);
      options.onProgress?.(`granted role ${options.serviceRole} the rights of the services`);
    }
    const applied = pending.length;
    options.onProgress?.(applied === 0 ? 'the schema is current' : `${applied} migrations applied`);
    return { applied };
  } finally {
    await client.end();
  }
}

/** Polls for the lock: `create index concurrently` of another process would wait for a client that waits in a statement. */
async function takeLock(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>(tryLock, [migrationLock]);
    if (rows[0]?.taken === true) return;
    await delay(100);
  }
}

async function findApplied(client: pg.Client): Promise<{ count: number; newestAt: number }> {
  await client.query(createMigrationsSchema);
  await client.query(createMigrationsTable);
  const { rows } = await client.query<{ count: number; newestAt: number }>(readApplied);
  return rows[0]!;
}

/** The end of the connection rolls back a failed migration that ran in a transaction. */
async function apply(client: pg.Client, { sql, hash, folderMillis }: MigrationMeta): Promise<void> {
  const inside = !outsideATransaction.test(sql[0] ?? '');
  if (inside) await client.query('begin');
  for (const statement of sql) await client.query(statement);
  await client.query(recordMigration, [hash, folderMillis]);
  if (inside) await client.query('commit');
}
