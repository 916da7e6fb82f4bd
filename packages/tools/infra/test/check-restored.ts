import { join } from 'node:path';
import { auditViolations, findPostgresTool, repositoryRoot, runCommand } from '@ticketing/testkit';
import { runSql } from './databases.ts';

export interface RestoredDatabase {
  /** The one that the backup was taken of; its tables may have gone on. */
  readonly originalUrl: string;
  readonly restoredUrl: string;
  readonly redisUrl: string;
  /** How many tickets were acknowledged before the backup began. */
  readonly soldBefore: number;
}

/** What a restored database lacks for being sold from. @returns sentences; none when all is well */
export async function checkRestored(database: RestoredDatabase): Promise<string[]> {
  const { originalUrl, restoredUrl, redisUrl, soldBefore } = database;
  const faults = await compareSchemas(originalUrl, restoredUrl);
  // What reads the tables would only say that they are not there.
  if (faults.length > 0) return faults;
  for (const { check, detail } of await auditViolations(restoredUrl)) faults.push(`${check}: ${detail}`);
  const env = { ...process.env, DATABASE_URL: restoredUrl, REDIS_URL: redisUrl };
  for (const [command, wanted] of [
    // It also replays the history against the tables.
    [['apps/expiry-worker/dist/ops.js', 'audit'], ''],
    [['packages/seat-core/bin/seat-core-migrate.mjs'], 'the schema is current'],
  ] as const) {
    const [program, ...args] = command;
    const { code, output } = await runCommand([process.execPath, join(repositoryRoot, program), ...args], {
      env,
    });
    if (code !== 0 || !output.includes(wanted))
      faults.push(`${command.join(' ')} ended with ${code}: ${output}`);
  }
  const { sold, unkeyed } = await count(restoredUrl);
  if (sold < soldBefore) faults.push(`${sold} tickets are sold in it, ${soldBefore} were before the backup`);
  if (unkeyed > 0)
    faults.push(`${unkeyed} bookings without their key: sent again, the request would have its effect twice`);
  return faults;
}

/** Of a crowd whose every request carries a key. */
async function count(databaseUrl: string): Promise<{ sold: number; unkeyed: number }> {
  const [row] = await runSql<{ sold: number; unkeyed: number }>(
    databaseUrl,
    `select (select count(*)::int from seats where status = 'SOLD') as sold,
            (select count(*)::int from bookings b
             where not exists (select from idempotency_keys k where k.booking_id = b.id)) as unkeyed`,
  );
  return row!;
}

/** Tables, constraints, indexes, triggers and rights, as pg_dump writes them. */
async function compareSchemas(originalUrl: string, restoredUrl: string): Promise<string[]> {
  const [original, restored] = [await readSchema(originalUrl), await readSchema(restoredUrl)];
  const linesOnlyIn = (one: ReadonlyMap<string, string>, two: ReadonlyMap<string, string>) =>
    [...one].filter(([key]) => !two.has(key)).map(([, line]) => line);
  return [
    ...linesOnlyIn(original, restored).map((line) => `it lacks: ${line}`),
    ...linesOnlyIn(restored, original).map((line) => `it has too much: ${line}`),
  ];
}

/** Lines by what they say: a condition that was written, read and written again has other brackets. */
async function readSchema(databaseUrl: string): Promise<Map<string, string>> {
  const { program, env } = await findPostgresTool('pg_dump');
  const { code, output } = await runCommand([program, '--schema-only', `--dbname=${databaseUrl}`], {
    env: { ...process.env, ...env },
  });
  if (code !== 0) throw new Error(`pg_dump --schema-only ended with ${code}:\n${output}`);
  const lines = output
    .split('\n')
    // \restrict has another word each time.
    .filter((line) => line !== '' && !line.startsWith('--') && !line.startsWith('\\'));
  return new Map(lines.map((line) => [line.replaceAll(/[()]/g, ''), line]));
}
