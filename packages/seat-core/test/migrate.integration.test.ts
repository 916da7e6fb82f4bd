import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '@ticketing/dev-stack';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMigrations } from '../src/migrate.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => database.drop());

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

async function tablesOf(url: string): Promise<string[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    );
    return rows.map((row) => row.name);
  } finally {
    await client.end();
  }
}

const tables = ['booking_events', 'booking_seats', 'bookings', 'events', 'idempotency_keys', 'seats'];

describe('migrations', () => {
  it('run six at once and are applied once', async () => {
    await withEmptyDatabase(async (databaseUrl) => {
      const runs = await Promise.all(Array.from({ length: 6 }, () => runMigrations({ databaseUrl })));
      expect(runs.filter(({ applied }) => applied > 0)).toHaveLength(1);
      expect(await tablesOf(databaseUrl)).toEqual(tables);
      expect(await runMigrations({ databaseUrl })).toEqual({ applied: 0 });
    });
  });

  it('run by their own command, which prints neither URL nor password', async () => {
    await withEmptyDatabase(async (databaseUrl) => {
      const command = fileURLToPath(new URL('../bin/seat-core-migrate.mjs', import.meta.url));
      // Only the role of DATABASE_URL is looked at when the owner's connection is given.
      const role = new URL(database.serviceUrl).username;
      const env = { PATH: process.env['PATH'], DATABASE_URL: `postgres://${role}@127.0.0.1:1/none` };
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, [command], {
        env: { ...env, MIGRATE_DATABASE_URL: databaseUrl },
      });
      expect(stdout).toMatch(/migrate: applied \d+ migrations/);
      expect(stdout).toContain(`migrate: role ${role} may serve`);
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
