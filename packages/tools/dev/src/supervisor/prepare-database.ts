import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openSeatCore } from '@ticketing/seat-core';
import { runMigrations, serviceRoleOf } from '@ticketing/seat-core/admin';
import { deadlineFactor, StackError, waitFor, withAdminConnection, withRedis } from '@ticketing/testkit';
import { demoEvent } from './demo-event.ts';

type Say = (message: string) => void;

/** Makes the database on a private server unless it is there. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<void> {
  await withAdminConnection(serverUrl, async (client) => {
    const limit = { query_timeout: 30_000 * deadlineFactor() };
    const known = { text: 'select from pg_database where datname = $1', values: [name], ...limit };
    const { rowCount } = await client.query(known);
    if (rowCount === 0) await client.query({ text: `create database ${name}`, ...limit });
  });
}

const serviceRole = 'ticketing_service';

/**
 * Makes the role of the services on a private server unless it is there, and gives it a password for this run.
 *
 * @returns the URL of the same database for this role
 */
export async function ensureServiceRole(ownerUrl: string): Promise<string> {
  const password = randomBytes(16).toString('hex');
  await withAdminConnection(ownerUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [serviceRole]);
    const verb = rowCount === 0 ? 'create' : 'alter';
    await client.query(`${verb} role ${serviceRole} login password '${password}'`);
  });
  return Object.assign(new URL(ownerUrl), { username: serviceRole, password }).href;
}

/** Migrates as the owner of the tables, and grants the role of the services its rights. */
export async function migrate(
  urls: { readonly ownerUrl: string; readonly serviceUrl: string },
  say: Say,
): Promise<void> {
  const seconds = 60 * deadlineFactor();
  const role = serviceRoleOf(urls.ownerUrl, urls.serviceUrl);
  const migrated = runMigrations({
    databaseUrl: urls.ownerUrl,
    ...(role === undefined ? {} : { serviceRole: role }),
  }).catch((error: unknown) => {
    throw new StackError(`The database could not be migrated: ${reasonOf(error)}`, { cause: error });
  });
  const result = await Promise.race([migrated, delay(seconds * 1000, undefined, { ref: false })]);
  if (result === undefined) {
    throw new StackError(
      `The database was not migrated within ${seconds} s: another session may hold a lock on its tables, or they are large. "npm run db:migrate" waits as long as it takes.`,
    );
  }
  const { applied } = result;
  if (applied > 0) say(`Database: ${applied} migrations applied.`);
}

/** Asks a named Redis before anything is started: without it no service would become ready. */
export async function checkRedis(redisUrl: string): Promise<void> {
  const answered = waitFor(() => withRedis(redisUrl, (redis) => redis.ping()), {
    description: 'Redis to answer',
    intervalMs: 250,
  });
  // A silent Redis uses up the time of the first attempt.
  const timeUp = delay(6_000, undefined, { ref: false }).then(() => {
    throw new Error('no answer within 6 s');
  });
  await Promise.race([answered, timeUp]).catch((error: unknown) => {
    throw new StackError(`The Redis of REDIS_URL does not answer: ${reasonOf(error)}`, { cause: error });
  });
}

/** Fills an empty database with a demo event. @returns the newest event in any case */
export async function seedDemoEvent(
  urls: { readonly databaseUrl: string; readonly redisUrl: string },
  say: Say,
): Promise<{ id: string; name: string }> {
  try {
    await using core = await openSeatCore({ ...urls, databasePoolMax: 4, applicationName: 'npm-start' });
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
