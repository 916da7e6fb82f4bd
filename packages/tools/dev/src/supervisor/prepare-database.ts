import { openSeatCore } from '@ticketing/seat-core';
import { runMigrations } from '@ticketing/seat-core/admin';
import { StackError, withAdminConnection } from '@ticketing/testkit';
import { demoEvent } from './demo-event.ts';

type Say = (message: string) => void;

/** Makes the database on a private server unless it is there. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<void> {
  await withAdminConnection(serverUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${name}`);
  });
}

export async function migrate(databaseUrl: string, say: Say): Promise<void> {
  const { applied } = await runMigrations({ databaseUrl }).catch((error: unknown) => {
    throw new StackError(`The database could not be migrated: ${reasonOf(error)}`, { cause: error });
  });
  if (applied > 0) say(`Database: ${applied} migrations applied.`);
}

/** Fills an empty database with a demo event. @returns the newest event in any case */
export async function seedDemoEvent(
  urls: { readonly databaseUrl: string; readonly redisUrl: string },
  say: Say,
): Promise<{ id: string; name: string }> {
  try {
    await using core = await openSeatCore({ ...urls, databasePoolMax: 2, applicationName: 'npm-start' });
    const [newest] = (await core.listEvents({ limit: 1 })).events;
    if (newest !== undefined) return newest;
    const event = await core.createEvent(demoEvent());
    say(`Database: empty, so the demo event "${event.name}" was made, ${event.seatCounts.available} seats.`);
    return event;
  } catch (error) {
    throw new StackError(`The demo event could not be looked up: ${reasonOf(error)}`, { cause: error });
  }
}

/** Drizzle and an aggregate wrap the driver's error, which is in the cause; their own messages show SQL. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}
