import { readFileSync } from 'node:fs';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { check, refused, warned, type InstallationCheck } from '../installation.ts';
import { sqlStateOf } from './error-mapping.ts';
import {
  hiddenTablesStatement,
  missingColumnsStatement,
  missingRightsStatement,
  newestMigrationStatement,
  readServerStatement,
} from './installation.sql.ts';
import { connectPatiently, type Database } from './pool.ts';
import * as schema from './schema.ts';
import { readConnectionLimitsStatement } from './server.sql.ts';
import { serviceRights } from './service-rights.ts';
import { requestSettings, UnmetSettingsError } from './session-settings.ts';
import { runStatement, type Statement } from './statement.ts';

const part = 'postgresql';
const oldestVersion = 15;
/** An installation has at least one process of each: booking-api, payment-api, expiry-worker. */
const services = 3;

interface Server {
  readonly version: string;
  readonly versionNumber: number;
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly readOnly: string;
  readonly standby: boolean;
  readonly database: string;
  readonly role: string;
  readonly isSuperuser: boolean;
  readonly synchronousStandbys: string;
  readonly readsStatistics: boolean;
}

/** Asks PostgreSQL for all that the engine relies on. Never rejects for an answer that is not fit. */
export async function checkPostgres({ $client: pool }: Database): Promise<InstallationCheck[]> {
  const client = await connectPatiently(pool).catch((error: unknown) => error);
  if (!isClient(client)) return explainNoConnection(part, client);
  try {
    // All sent at once: one round trip.
    const [[server], schemaChecks, connections] = await Promise.all([
      ask<Server>(client, readServerStatement),
      checkSchema(client),
      checkConnections(client, pool),
    ]);
    return [
      check(part, 'connection', `${server!.database} as ${server!.role}`),
      ...checkServer(server!),
      ...sessionChecks(),
      ...schemaChecks,
      connections,
    ];
  } finally {
    client.release();
  }
}

/** Why there is no connection: a row for each setting that does not hold, or one with the reason. */
export function explainNoConnection(of: InstallationCheck['part'], error: unknown): InstallationCheck[] {
  if (error instanceof UnmetSettingsError) {
    return error.unmet.map(({ name, found, wanted, advice }) =>
      refused(of, name, found, `${name} must be ${wanted}: ${advice}.`),
    );
  }
  return [refused(of, 'connection', `none: ${reasonOf(error)}`, 'Start it, or correct its URL.')];
}

function checkServer(server: Server): InstallationCheck[] {
  const { version, versionNumber, fsync, fullPageWrites, readOnly, standby, role, isSuperuser } = server;
  return [
    versionNumber >= oldestVersion * 10_000
      ? check(part, 'version', version)
      : refused(part, 'version', version, `PostgreSQL ${oldestVersion} or newer is needed.`),
    standby
      ? refused(
          part,
          'primary',
          'a standby',
          'DATABASE_URL must name the primary; a standby decides nothing.',
        )
      : check(part, 'primary', 'yes'),
    readOnly === 'on'
      ? refused(
          part,
          'default_transaction_read_only',
          'on',
          'The database is closed for writes: run "alter database … reset default_transaction_read_only", and the same for the role.',
        )
      : check(part, 'default_transaction_read_only', 'off'),
    ...[['fsync', fsync] as const, ['full_page_writes', fullPageWrites] as const].map(([name, value]) =>
      value === 'on'
        ? check(part, name, value)
        : warned(
            part,
            name,
            value,
            `A crash of the machine may lose sales: set ${name} = on in postgresql.conf.`,
          ),
    ),
    isSuperuser
      ? warned(
          part,
          'role',
          `${role}, a superuser`,
          'Give the services a role without DDL: migrate with MIGRATE_DATABASE_URL of the owner and DATABASE_URL of that role.',
        )
      : check(part, 'role', role),
    checkStandbys(server),
  ];
}

function checkStandbys({ synchronousStandbys, readsStatistics, role }: Server): InstallationCheck {
  const name = 'synchronous standbys';
  if (synchronousStandbys === '') return check(part, name, 'none');
  if (readsStatistics) return check(part, name, synchronousStandbys);
  return warned(
    part,
    name,
    synchronousStandbys,
    `Commits of other roles that wait for a standby are not seen: run "grant pg_read_all_stats to ${role}" as a superuser.`,
  );
}

/** A connection is lent only when all of its settings hold. */
function sessionChecks(): InstallationCheck[] {
  const valueOf = (wanted: string) => requestSettings.find(({ name }) => name === wanted)!.values[0];
  return [
    check(part, 'server_encoding', valueOf('server_encoding')),
    check(part, 'session settings', `${requestSettings.length} hold`),
    check(part, 'time limits', `lock ${valueOf('lock_timeout')}, statement ${valueOf('statement_timeout')}`),
  ];
}

const tables = Object.values(schema)
  .filter((value) => value instanceof PgTable)
  .map(getTableConfig);
const columns = tables.flatMap((table) => table.columns.map((column) => [table.name, column.name] as const));
const rights = serviceRights.flatMap(({ table, privilege, columns: names }) =>
  (names ?? [null]).map((name) => [table, privilege, name] as const),
);

const migrate = 'run "npm run db:migrate"';

async function checkSchema(client: pg.PoolClient): Promise<InstallationCheck[]> {
  const column = (rows: readonly (readonly unknown[])[], index: number) => rows.map((row) => row[index]);
  const [missing, migrations, lacking, hidden] = await Promise.all([
    ask<{ missing: string }>(client, missingColumnsStatement, [column(columns, 0), column(columns, 1)]),
    checkMigrations(client),
    ask<{ missing: string }>(
      client,
      missingRightsStatement,
      [0, 1, 2].map((index) => column(rights, index)),
    ),
    ask<{ hidden: string }>(client, hiddenTablesStatement, [tables.map(({ name }) => name)]),
  ]);
  if (missing.length > 0) {
    const isEmpty = missing.length === columns.length;
    const found = isEmpty ? 'no tables' : `without ${listed(missing.map((row) => row.missing))}`;
    const sentence = isEmpty
      ? 'The database has no tables of this build'
      : 'The tables are those of an older build';
    return [refused(part, 'migrations', found, `${sentence}: ${migrate}.`)];
  }
  const withheld = lacking.map((row) => row.missing);
  const policies = hidden.map((row) => row.hidden);
  return [
    migrations,
    withheld.length === 0
      ? check(part, 'rights', 'those of a service')
      : refused(
          part,
          'rights',
          `without ${listed(withheld)}`,
          `The role of DATABASE_URL lacks rights: ${migrate} with MIGRATE_DATABASE_URL of the owner and this DATABASE_URL.`,
        ),
    ...(policies.length === 0
      ? []
      : [
          refused(
            part,
            'row-level security',
            `on ${listed(policies)}`,
            'Policies would hide rows from the services: run "alter table … disable row level security".',
          ),
        ]),
  ];
}

const journal = new URL('../../migrations/meta/_journal.json', import.meta.url);

async function checkMigrations(client: pg.PoolClient): Promise<InstallationCheck> {
  const { entries } = JSON.parse(readFileSync(journal, 'utf8')) as {
    entries: { when: number; tag: string }[];
  };
  const newest = entries.at(-1)!;
  try {
    const [applied] = await ask<{ createdAt: string | null }>(client, newestMigrationStatement);
    if (Number(applied?.createdAt ?? 0) >= newest.when)
      return check(part, 'migrations', `up to ${newest.tag}`);
    return refused(
      part,
      'migrations',
      `${newest.tag} is missing`,
      `The tables are those of an older build: ${migrate}.`,
    );
  } catch (error) {
    if (!/^(42P01|3F000|42501)$/.test(sqlStateOf(error) ?? '')) throw error;
    const advice = `The role of DATABASE_URL may not read which migrations were applied: ${migrate} with MIGRATE_DATABASE_URL of the owner and this DATABASE_URL.`;
    return warned(part, 'migrations', 'unknown', advice);
  }
}

/** Connections that others hold now are only a warning: they may belong to the process that this one replaces. */
async function checkConnections(client: pg.PoolClient, pool: pg.Pool): Promise<InstallationCheck> {
  const [limits] = await ask<{ limit: number; inUse: number }>(client, readConnectionLimitsStatement);
  const { limit, inUse } = limits!;
  const { max } = pool.options;
  const others = inUse - (pool.totalCount - 1);
  const value = `${others} of ${limit} in use, ${max} for this process`;
  if (services * max > limit) {
    return refused(
      part,
      'connections',
      value,
      `${services} services with DATABASE_POOL_MAX=${max} need ${services * max} connections, PostgreSQL grants ${limit}: lower DATABASE_POOL_MAX or raise max_connections.`,
    );
  }
  if (others + max <= limit) return check(part, 'connections', value);
  return warned(
    part,
    'connections',
    value,
    'PostgreSQL may run out of connections: lower DATABASE_POOL_MAX, raise max_connections, or run fewer processes.',
  );
}

/** @throws what the driver throws */
export function ask<Row extends object>(
  client: pg.PoolClient,
  statement: Statement,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return runStatement<Row>(client, { statement, values });
}

export function isClient(connected: unknown): connected is pg.PoolClient {
  return typeof connected === 'object' && connected !== null && 'release' in connected;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** One phrase, without credentials. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.message.replaceAll(/([a-z]+:\/\/)[^\s/]*@/gi, '$1');
}
