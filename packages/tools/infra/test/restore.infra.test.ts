import { join } from 'node:path';
import { createTestStack, startService, waitFor, type TestStack } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp, restore } from '../src/back-up.ts';
import { Crowd } from '../src/crowd.ts';
import { makeHall } from '../src/make-hall.ts';
import { checkRestored } from './check-restored.ts';
import { createEmptyDatabase, runSql, urlOf } from './databases.ts';
import { makeRunFolder } from './run-folder.ts';

let stack: TestStack;
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

async function countSeats(databaseUrl: string): Promise<Record<string, number>> {
  const rows = await runSql<{ status: string; n: number }>(
    databaseUrl,
    'select status, count(*)::int as n from seats group by status',
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

describe('a backup that was taken while tickets were sold', () => {
  it('is restored, audited and sold from again', async () => {
    const seatIds = await makeHall(stack, 20);
    const file = join(await makeRunFolder('backup'), 'ticketing.dump');
    let soldBefore: number;
    {
      await using bookingApi = await startService(
        'booking-api',
        environment(stack.serviceUrl, stack.redisUrl),
      );
      await using paymentApi = await startService(
        'payment-api',
        environment(stack.serviceUrl, stack.redisUrl),
      );
      const stopping = new AbortController();
      const urls = { url: bookingApi.url, paymentUrl: paymentApi.url };
      const crowd = new Crowd({
        size: 6,
        ways: [urls],
        nextSeat: () => seatIds.pop(),
        pays: () => Math.random() < 0.8,
      });
      const sale = crowd.shop(stopping.signal);
      await waitFor(() => crowd.sold > 100, { description: 'a hundred tickets', timeoutMs: 20_000 });
      soldBefore = crowd.sold;
      await backUp(stack.databaseUrl, file);
      await waitFor(() => crowd.sold > soldBefore + 20, {
        description: 'sales during the backup',
        timeoutMs: 20_000,
      });
      stopping.abort();
      await sale;
    }

    await using database = await createEmptyDatabase(stack.databaseUrl);
    await restore(file, database.url);
    const restored = {
      originalUrl: stack.databaseUrl,
      restoredUrl: database.url,
      redisUrl: other.redisUrl,
      soldBefore,
    };
    // All that was acknowledged before it began is in it, and all that keeps it right.
    expect(await checkRestored(restored)).toEqual([]);

    // As the role without DDL: what it may do came along. Redis is empty, as it would be.
    const serviceUrl = urlOf(stack.serviceUrl, database.name);
    const env = environment(serviceUrl, other.redisUrl);
    await using bookingApi = await startService('booking-api', env);
    await using paymentApi = await startService('payment-api', env);
    await using worker = await startService('expiry-worker', env);
    const free = await runSql<{ id: string }>(
      database.url,
      `select id from seats where status = 'AVAILABLE'`,
    );
    expect(free).not.toEqual([]);
    const urls = { url: bookingApi.url, paymentUrl: paymentApi.url };
    const left = free.map(({ id }) => id);
    const crowd = new Crowd({ size: 6, ways: [urls], nextSeat: () => left.pop() });
    await crowd.shop();
    expect(crowd.failures).toEqual([]);
    expect(crowd.sold).toBe(free.length);
    // Holds that were open in the backup end by their deadline, whatever became of their jobs.
    await waitFor(async () => ((await countSeats(database.url))['RESERVED'] ?? 0) === 0, {
      description: 'the restored holds to end',
      timeoutMs: 45_000,
      intervalMs: 250,
    });
    expect(worker.logs()).not.toContain('"level":50');
    expect(await checkRestored({ ...restored, soldBefore: soldBefore + free.length })).toEqual([]);
  }, 180_000);
});
