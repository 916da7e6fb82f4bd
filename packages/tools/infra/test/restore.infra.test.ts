import { join } from 'node:path';
import { createTestStack, startService, waitFor, type TestStack } from '@ticketing/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backUp, restore } from '../src/back-up.ts';
import { Buyers } from '../src/buyers.ts';
import { makeEvent } from '../src/make-event.ts';
import { runSql } from '../src/run-sql.ts';
import { checkRestored, createEmptyDatabase, urlOf } from './restored.ts';
import { makeRunFolder } from './run-folder.ts';

let stack: TestStack;
/** Its Redis is empty. */
let other: TestStack;
beforeAll(async () => {
  [stack, other] = [await createTestStack(), await createTestStack()];
});
afterAll(async () => {
  await stack.dispose();
  await other.dispose();
});

const environment = (databaseUrl: string, redisUrl: string) => ({
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  HOLD_SECONDS: '12',
  RATE_LIMIT_MAX: '0',
  LOG_LEVEL: 'warn',
});

it('a backup taken while tickets are sold is restored, audited and sold from', async () => {
  const seatIds = await makeEvent(stack, 10);
  const file = join(await makeRunFolder('backup'), 'ticketing.dump');
  let soldBefore: number;
  {
    const env = environment(stack.serviceUrl, stack.redisUrl);
    await using bookingApi = await startService('booking-api', env);
    await using paymentApi = await startService('payment-api', env);
    const stopping = new AbortController();
    const buyers = new Buyers({
      size: 6,
      ways: [{ url: bookingApi.url, paymentUrl: paymentApi.url }],
      nextSeat: () => seatIds.pop(),
      pays: () => Math.random() < 0.8,
    });
    const sale = buyers.buy(stopping.signal);
    await waitFor(() => buyers.sold > 100, { description: 'a hundred tickets', timeoutMs: 20_000 });
    soldBefore = buyers.sold;
    await backUp(stack.databaseUrl, file);
    await waitFor(() => buyers.sold > soldBefore + 20, {
      description: 'sales during the backup',
      timeoutMs: 20_000,
    });
    stopping.abort();
    await sale;
  }

  await using database = await createEmptyDatabase(stack.databaseUrl);
  const restoredUrl = database.url;
  await restore(file, restoredUrl);
  const restored = { originalUrl: stack.databaseUrl, restoredUrl, redisUrl: other.redisUrl, soldBefore };
  // It holds all that was acknowledged before the backup began, and all that guards it.
  expect(await checkRestored(restored)).toEqual([]);

  // By the role without DDL, whose rights were restored, and with a Redis that is empty as it would be.
  const env = environment(urlOf(stack.serviceUrl, database.name), other.redisUrl);
  await using bookingApi = await startService('booking-api', env);
  await using paymentApi = await startService('payment-api', env);
  await using worker = await startService('expiry-worker', { ...env, LOG_LEVEL: 'info' });
  const free = await runSql<{ id: string }>(restoredUrl, `select id from seats where status = 'AVAILABLE'`);
  expect(free).not.toEqual([]);
  const left = free.map(({ id }) => id);
  const ways = [{ url: bookingApi.url, paymentUrl: paymentApi.url }];
  const buyers = new Buyers({ size: 6, ways, nextSeat: () => left.pop() });
  await buyers.buy();
  expect(buyers.failures).toEqual([]);
  expect(buyers.sold).toBe(free.length);
  // Holds that were open in the backup end at their deadline, although their jobs are lost.
  const held = `select from seats where status = 'RESERVED'`;
  await waitFor(async () => (await runSql(restoredUrl, held)).length === 0, {
    description: 'the restored holds to end',
    timeoutMs: 45_000,
    intervalMs: 250,
  });
  const levels = worker.logRecords().map(({ level }) => level);
  expect(levels).toContain('info');
  expect(levels).not.toContain('error');
  expect(await checkRestored({ ...restored, soldBefore: soldBefore + free.length })).toEqual([]);
});
