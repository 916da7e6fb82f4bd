import { join } from 'node:path';
import { auditViolations, findPostgresTool, repositoryRoot, runCommand } from '@ticketing/testkit';
import { runSql } from '../src/run-sql.ts';

export interface EmptyDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

let databases = 0;

/** Makes a database without a table on the same server, dropped afterwards. */
export async function createEmptyDatabase(serverUrl: string): Promise<EmptyDatabase> {
  databases += 1;
  const name = `empty_${process.pid}_${databases}`;
  await runSql(serverUrl, `create database ${name}`);
  const dispose = async () => {
    await runSql(serverUrl, `drop database ${name} with (force)`);
  };
  return { name, url: urlOf(serverUrl, name), [Symbol.asyncDispose]: dispose };
}

/** @returns the URL of another database, with the same server and role */
export function urlOf(serverUrl: string, database: string): string {
  return Object.assign(new URL(serverUrl), { pathname: `/${database}` }).href;
}

export interface RestoredDatabase {
  /** The database of the backup; its tables may have changed since. */
  readonly originalUrl: string;
  readonly restoredUrl: string;
  readonly redisUrl: string;
  /** How many tickets were acknowledged before the backup began. */
  readonly soldBefore: number;
}

/** Checks that tickets can be sold from a restored database. @returns one sentence for each finding */
export async function checkRestored(database: RestoredDatabase): Promise<string[]> {
  const { originalUrl, restoredUrl, redisUrl, soldBefore } = database;
  const [original, restored] = [await readSchema(originalUrl), await readSchema(restoredUrl)];
  const findings = [
    ...[...original].filter(([key]) => !restored.has(key)).map(([, line]) => `it lacks: ${line}`),
    ...[...restored].filter(([key]) => !original.has(key)).map(([, line]) => `it has too much: ${line}`),
  ];
  // The checks below would only say that a table does not exist.
  if (findings.length > 0) return findings;
  for (const { check, detail } of await auditViolations(restoredUrl)) findings.push(`${check}: ${detail}`);
  const env = { ...process.env, DATABASE_URL: restoredUrl, REDIS_URL: redisUrl };
  for (const [command, expected] of [
    // The audit also rebuilds the tables from the history.
    [['apps/expiry-worker/dist/ops.js', 'audit'], ''],
    [['packages/seat-core/bin/seat-core-migrate.mjs'], 'the schema is current'],
  ] as const) {
    const [program, ...args] = command;
    const node = [process.execPath, join(repositoryRoot, program), ...args];
    const { code, output } = await runCommand(node, { env });
    if (code !== 0 || !output.includes(expected))
      findings.push(`${command.join(' ')} ended with ${code}: ${output}`);
  }
  const [{ sold, unkeyed } = { sold: 0, unkeyed: 0 }] = await runSql<{ sold: number; unkeyed: number }>(
    restoredUrl,
    `select (select count(*)::int from seats where status = 'SOLD') as sold,
            (select count(*)::int from bookings b
             where not exists (select from idempotency_keys k where k.booking_id = b.id)) as unkeyed`,
  );
  if (sold < soldBefore)
    findings.push(`${sold} tickets are sold in it, ${soldBefore} were before the backup`);
  // Each request of the buyers carried a key.
  if (unkeyed > 0) findings.push(`${unkeyed} bookings lost their key: a repeated request would book again`);
  return findings;
}

/** @returns tables, constraints, indexes, triggers and rights as pg_dump writes them */
async function readSchema(databaseUrl: string): Promise<Map<string, string>> {
  const { program, env } = await findPostgresTool('pg_dump');
  const command = [program, '--schema-only', `--dbname=${databaseUrl}`];
  const { code, output } = await runCommand(command, { env: { ...process.env, ...env } });
  if (code !== 0) throw new Error(`pg_dump --schema-only ended with ${code}:\n${output}`);
  // \restrict has another word each time.
  const lines = output.split('\n').filter((line) => !/^(--|\\|$)/.test(line));
  // A condition that was written, read and written again has other brackets.
  return new Map(lines.map((line) => [line.replaceAll(/[()]/g, ''), line]));
}
