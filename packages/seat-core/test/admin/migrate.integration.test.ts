import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMigrations } from '../../src/admin/migrate.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database.drop();
});

async function withEmptyDatabase(work: (url: string) => Promise<void>): Promise<void> {
  const admin = new pg.Client(database.url);
  await admin.connect();
  const name = `empty_${randomBytes(6).toString('hex')}`;
  await admin.query(`create database ${name}`);
  try {
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    await work(url.href);
  } finally {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  }
}

async function namesOf(url: string, sql: string): Promise<string[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<{ name: string }>(sql)).rows.map((row) => row.name);
  } finally {
    await client.end();
  }
}

const tablesOf = (url: string) =>
  namesOf(url, `select tablename as name from pg_tables where schemaname = 'public' order by 1`);

/** Writes migrations in the layout of Drizzle. @returns the folder */
async function writeMigrations(texts: readonly string[]): Promise<string> {
  const entries = texts.map((_, index) => ({ tag: `m${index}`, when: index + 1, breakpoints: true }));
  await mkdir(join(folder, 'meta'), { recursive: true });
  await writeFile(join(folder, 'meta/_journal.json'), JSON.stringify({ entries }));
  for (const [index, text] of texts.entries()) await writeFile(join(folder, `m${index}.sql`), text);
  return folder;
}

const tables = [
  'booking_events',
  'booking_seats',
  'bookings',
  'events',
  'idempotency_keys',
  'seat_blocks',
  'seat_counting',
  'seats',
];

describe('runMigrations', () => {
  it('applies each migration once when six processes migrate at once', async () => {
    await withEmptyDatabase(async (databaseUrl) => {
      const runs = await Promise.all(Array.from({ length: 6 }, () => runMigrations({ databaseUrl })));
      expect(runs.filter(({ applied }) => applied > 0)).toHaveLength(1);
      expect(await tablesOf(databaseUrl)).toEqual(tables);
      expect(await runMigrations({ databaseUrl })).toEqual({ applied: 0 });
    });
  });

  it('applies each migration whole or not at all', async () => {
    await withEmptyDatabase(async (databaseUrl) => {
      const texts = [
        'create table one (n int)',
        'create table two (n int);--> statement-breakpoint\nselect 1 / 0',
        'create table three (n int)',
      ];
      const migrationsFolder = await writeMigrations(texts);
      await expect(runMigrations({ databaseUrl, migrationsFolder })).rejects.toThrow('division by zero');
      expect(await tablesOf(databaseUrl)).toEqual(['one']);
      await writeMigrations(texts.map((text) => text.replace('1 / 0', '1 / 1')));
      expect(await runMigrations({ databaseUrl, migrationsFolder })).toEqual({ applied: 2 });
      expect(await tablesOf(databaseUrl)).toEqual(['one', 'three', 'two']);
    });
  });

  it('starts a failed migration outside a transaction again from its beginning', async () => {
    await withEmptyDatabase(async (databaseUrl) => {
      const migrationsFolder = await writeMigrations([
        'create table one (n int); insert into one values (0), (1)',
        `-- outside a transaction
drop index concurrently if exists one_idx;
--> statement-breakpoint
create index concurrently one_idx on one ((1 / n));
--> statement-breakpoint
alter table one add column done text`,
      ]);
      await expect(runMigrations({ databaseUrl, migrationsFolder })).rejects.toThrow('division by zero');
      const left = (isValid: boolean) =>
        namesOf(
          databaseUrl,
          `select indexrelid::regclass::text as name from pg_index where indrelid = 'one'::regclass and indisvalid = ${isValid}`,
        );
      expect(await left(false)).toEqual(['one_idx']);
      await namesOf(databaseUrl, 'delete from one where n = 0');
      // Several at once: `create index concurrently` of one does not wait for another that waits for the lock.
      const runs = await Promise.all(
        Array.from({ length: 3 }, () => runMigrations({ databaseUrl, migrationsFolder })),
      );
      expect(runs.filter(({ applied }) => applied === 1)).toHaveLength(1);
      expect(runs.filter(({ applied }) => applied === 0)).toHaveLength(2);
      expect([await left(true), await left(false)]).toEqual([['one_idx'], []]);
    });
  });
});

describe('the migration to seat ids that carry their event', () => {
  it('refuses a database with events of an earlier build, says what to do, and changes nothing', async () => {
    await withEmptyDatabase(async (databaseUrl) => {
      const own = fileURLToPath(new URL('../../migrations', import.meta.url));
      const earlier = [
        '0000_tables',
        '0001_guards',
        '0002_idempotency_keys',
        '0003_sales_window',
        '0004_seat_blocks',
      ];
      const journal = JSON.parse(await readFile(join(own, 'meta/_journal.json'), 'utf8')) as {
        entries: { tag: string }[];
      };
      const migrationsFolder = await mkdtemp(join(folder, 'earlier-'));
      await mkdir(join(migrationsFolder, 'meta'));
      for (const tag of earlier)
        await copyFile(join(own, `${tag}.sql`), join(migrationsFolder, `${tag}.sql`));
      const entries = journal.entries.filter(({ tag }) => earlier.includes(tag));
      await writeFile(join(migrationsFolder, 'meta/_journal.json'), JSON.stringify({ ...journal, entries }));
      expect(await runMigrations({ databaseUrl, migrationsFolder })).toEqual({ applied: 5 });
      await namesOf(
        databaseUrl,
        `insert into events (id, name, venue, starts_at, sections, created_at)
         values ('01a207cb-fe78-7242-9856-5de10f948ac2', 'Recital', 'Hall', now(), '[]', now())`,
      );
      await expect(runMigrations({ databaseUrl })).rejects.toThrow('"npm start -- --fresh"');
      expect(
        await namesOf(databaseUrl, `select relname as name from pg_class where relname = 'seats_id_idx'`),
      ).toEqual(['seats_id_idx']);
      await namesOf(databaseUrl, 'delete from events');
      expect((await runMigrations({ databaseUrl })).applied).toBeGreaterThan(0);
    });
  });
});

describe('seat-core-migrate', () => {
  it('migrates and grants the rights of the services, and prints neither URL nor password', async () => {
    await withEmptyDatabase(async (databaseUrl) => {
      const command = fileURLToPath(new URL('../../bin/seat-core-migrate.mjs', import.meta.url));
      // Beside MIGRATE_DATABASE_URL, only the role of DATABASE_URL is used.
      const role = new URL(database.serviceUrl).username;
      const env = { PATH: process.env['PATH'], DATABASE_URL: `postgres://${role}@127.0.0.1:1/none` };
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, [command], {
        env: { ...env, MIGRATE_DATABASE_URL: databaseUrl },
      });
      expect(stdout).toMatch(/^migrate: [1-9]\d* migrations applied$/m);
      expect(stdout).toContain(`migrate: granted role ${role} the rights of the services\n`);
      expect(await tablesOf(databaseUrl)).toEqual(tables);
      await expect(run(process.execPath, [command], { env: { PATH: env.PATH } })).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('MIGRATE_DATABASE_URL') as string,
      });
      const failed = run(process.execPath, [command], {
        env: { ...env, DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/none' },
      });
      await expect(failed).rejects.toMatchObject({
        code: 1,
        stderr: expect.not.stringContaining('s3cret') as string,
      });
    });
  });
});
