import { join } from 'node:path';
import { createTestStack, startService, type TestStack } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp, restore } from '../src/back-up.ts';
import { Crowd } from '../src/crowd.ts';
import { makeHall } from '../src/make-hall.ts';
import { checkRestored } from './check-restored.ts';
import { createEmptyDatabase, runSql } from './databases.ts';
import { makeRunFolder } from './run-folder.ts';

/*
 * What restore.infra.test.ts asks of a restored database is asked of ones whose backup, or whose restoring, lacks
 * something, and notices it.
 */

let stack: TestStack;
let other: TestStack;
let folder: string;
let sold: number;
beforeAll(async () => {
  [stack, other] = [await createTestStack(), await createTestStack()];
  folder = await makeRunFolder('broken-backup');
  const seatIds = await makeHall(stack, 1);
  await backUp(stack.databaseUrl, join(folder, 'old.dump'));
  const env = { DATABASE_URL: stack.serviceUrl, REDIS_URL: stack.redisUrl };
  await using bookingApi = await startService('booking-api', env);
  await using paymentApi = await startService('payment-api', env);
  const crowd = new Crowd({
    size: 4,
    ways: [{ url: bookingApi.url, paymentUrl: paymentApi.url }],
    nextSeat: () => (seatIds.length > 40 ? seatIds.pop() : undefined),
    pays: () => Math.random() < 0.8,
  });
  await crowd.shop();
  sold = crowd.sold;
}, 120_000);
afterAll(async () => {
  await stack.dispose();
  await other.dispose();
});

interface Broken {
  readonly backUpFlags?: readonly string[];
  readonly restoreFlags?: readonly string[];
  readonly isOld?: boolean;
  /** Done to what was restored. */
  readonly sql?: string;
}

async function faultsOf({ backUpFlags, restoreFlags, isOld = false, sql }: Broken): Promise<string> {
  const file = join(folder, isOld ? 'old.dump' : 'new.dump');
  if (!isOld) await backUp(stack.databaseUrl, file, backUpFlags);
  await using database = await createEmptyDatabase(stack.databaseUrl);
  await restore(file, database.url, restoreFlags);
  if (sql !== undefined) await runSql(database.url, sql);
  const faults = await checkRestored({
    originalUrl: stack.databaseUrl,
    restoredUrl: database.url,
    redisUrl: other.redisUrl,
    soldBefore: sold,
  });
  return faults.join('\n');
}

describe('the questions to a restored database', () => {
  it('have no fault to find in one that is whole', async () => {
    expect(await faultsOf({})).toBe('');
  });

  it.each<[string, Broken, RegExp]>([
    [
      'a table that was left out',
      { backUpFlags: ['--exclude-table=idempotency_keys'] },
      /lacks: CREATE TABLE public.idempotency_keys/,
    ],
    [
      'orders without their lines',
      { backUpFlags: ['--exclude-table-data=booking_seats'] },
      /booking-total: /,
    ],
    ['no history', { backUpFlags: ['--exclude-table-data=booking_events'] }, /booking-record: /],
    [
      'no keys of requests',
      { backUpFlags: ['--exclude-table-data=idempotency_keys'] },
      /bookings without their key/,
    ],
    [
      'no journal of migrations',
      { backUpFlags: ['--exclude-schema=drizzle'] },
      /lacks: CREATE SCHEMA drizzle/,
    ],
    [
      'an empty journal of migrations',
      { backUpFlags: ['--exclude-table-data=drizzle.*'] },
      /seat-core-migrate.mjs ended with 1/,
    ],
    ['no rights for the services', { restoreFlags: ['--no-privileges'] }, /lacks: GRANT SELECT/],
    [
      'nothing that refuses a seat sold twice',
      { restoreFlags: ['--section=pre-data', '--section=data'] },
      /lacks: CREATE UNIQUE INDEX booking_seats_live_seat_key/,
    ],
    ['the tables without what is in them', { backUpFlags: ['--schema-only'] }, /0 tickets are sold in it/],
    ['a backup from before the sale', { isOld: true }, /0 tickets are sold in it/],
    [
      'seats of another moment than their bookings',
      { sql: `update seats set status = 'RESERVED', version = version + 1 where status = 'AVAILABLE'` },
      /seat-status: /,
    ],
    [
      'a trigger that is off',
      { sql: 'alter table bookings disable trigger bookings_legal_edge' },
      /too much: ALTER TABLE public.bookings DISABLE TRIGGER/,
    ],
  ])('find %s', async (_, edit, why) => {
    expect(await faultsOf(edit)).toMatch(why);
  });
});
