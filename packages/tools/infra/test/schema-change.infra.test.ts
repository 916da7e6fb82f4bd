import { randomUUID } from 'node:crypto';
import getPort from 'get-port';
import {
  auditViolations,
  createTestStack,
  repositoryRoot,
  runCommand,
  servicePorts,
  startService,
  waitFor,
  type ServiceName,
  type TestStack,
} from '@ticketing/testkit';
import { runMigrations } from '@ticketing/seat-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildCommit, type Build } from '../src/build-images.ts';
import { Buyers, type BuyersOptions } from '../src/buyers.ts';
import { makeEvent } from '../src/make-event.ts';
import { runSql } from '../src/run-sql.ts';
import { startServer } from '../src/tools.ts';
import { allowedMigrations } from './allowed-migrations.ts';
import { makeRunFolder, migrationsWith } from './run-folder.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await createTestStack();
});
afterAll(() => stack.dispose());

const environment = () => ({
  DATABASE_URL: stack.serviceUrl,
  REDIS_URL: stack.redisUrl,
  HOLD_SECONDS: '60',
  RATE_LIMIT_MAX: '0',
  LOG_LEVEL: 'warn',
});

function sixBuyers(seatIds: string[], ways: BuyersOptions['ways'], pays = () => true): Buyers {
  return new Buyers({ size: 6, ways, nextSeat: () => seatIds.pop(), pays, pauseMs: 5 });
}

it('a migration that keeps the rule is applied while tickets are sold, and no request notices', async () => {
  const seatIds = await makeEvent(stack, 200);
  await using bookingApi = await startService('booking-api', environment());
  await using paymentApi = await startService('payment-api', environment());
  const stopping = new AbortController();
  const buyers = sixBuyers(seatIds, [{ url: bookingApi.url, paymentUrl: paymentApi.url }]);
  const sale = buyers.buy(stopping.signal);
  const expectSales = async (description: string): Promise<void> => {
    const before = buyers.sold;
    await waitFor(() => buyers.sold > before + 30, { description, timeoutMs: 20_000 });
  };
  await expectSales('tickets before it');
  const job = { databaseUrl: stack.databaseUrl, migrationsFolder: await migrationsWith(allowedMigrations) };
  // Two jobs, as a rollout may start them: CREATE INDEX CONCURRENTLY must not wait for the job that waits.
  const jobs = await Promise.all([runMigrations(job), runMigrations(job)]);
  const applied = jobs.map((result) => result.applied).toSorted((one, other) => one - other);
  expect(applied).toEqual([0, allowedMigrations.length]);
  await expectSales('tickets after it');
  stopping.abort();
  await sale;
  expect(buyers.failures).toEqual([]);
  // A lock makes all six buyers wait and repeat; one or two may have met a busy machine.
  expect(buyers.retries.slice(2)).toEqual([]);
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
});

it('the build before the newest migration sells, reads and cleans up beside the new one', async ({
  skip,
}) => {
  const newest = ['--diff-filter=A', '--format=%P', '-1', '--', 'packages/seat-core/migrations/*.sql'];
  const log = await runCommand(['git', '-C', repositoryRoot, 'log', ...newest]).catch(() => undefined);
  const commit = log?.code === 0 ? log.output.trim() : '';
  // A checkout without history has no earlier build; the repository where it is merged has one.
  if (commit === '') return skip('there is no history');
  await using earlier = await buildCommit(commit);
  const env = { ...environment(), HOLD_SECONDS: '10' };
  const [spare = '', ...seatIds] = await makeEvent(stack, 4);
  const all = seatIds.length;
  await using oldBooking = await startEarlier(earlier, 'booking-api', env);
  await using oldPayment = await startEarlier(earlier, 'payment-api', env);
  // A rollback takes the worker back last; here it is the only one.
  await using oldWorker = await startEarlier(earlier, 'expiry-worker', env);
  await using newBooking = await startService('booking-api', env);
  await using newPayment = await startService('payment-api', env);
  let unpaid = 0;
  const ways = [
    { url: oldBooking.url, paymentUrl: oldPayment.url },
    { url: newBooking.url, paymentUrl: newPayment.url },
    { url: oldBooking.url, paymentUrl: newPayment.url },
  ];
  const buyers = sixBuyers(seatIds, ways, () => {
    const pays = Math.random() < 0.9;
    if (!pays) unpaid += 1;
    return pays;
  });
  await buyers.buy();
  expect(await readEverything(oldBooking.url, spare)).toEqual([]);
  const held = `select from seats where status = 'RESERVED'`;
  await waitFor(async () => (await runSql(stack.databaseUrl, held)).length === 0, {
    description: 'the earlier worker to end the holds that were not paid',
    timeoutMs: 30_000,
    intervalMs: 250,
  });
  // SQLSTATE 42: a name does not exist or is not allowed; 23: a value is missing.
  const errors = [oldBooking, oldPayment, oldWorker].map(({ tail }) =>
    tail(100_000)
      .split('\n')
      .filter((line) => /"code":"(42|23)/.test(line)),
  );
  expect(errors).toEqual([[], [], []]);
  // An earlier build may call fewer codes retryable than the buyers expect; what it sold, it has sold.
  expect(buyers.sold + unpaid).toBeGreaterThan(all * 0.9);
  expect(buyers.sold + unpaid + buyers.failures.length).toBe(all);
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
});

async function startEarlier(build: Build, name: ServiceName, env: Readonly<Record<string, string>>) {
  const port = await getPort({ host: '127.0.0.1' });
  const url = `http://127.0.0.1:${port}`;
  const options = {
    folder: await makeRunFolder(`earlier-${name}`),
    command: [process.execPath, build.entryOf(name)],
    env: { ...env, HOST: '127.0.0.1', [servicePorts[name].variable]: String(port) },
    readyUrl: `${url}/health/ready`,
  };
  // A busy machine can make a start too slow for its own limits: an orchestrator repeats it, too.
  const { tail, stop } = await startServer(options).catch(() => startServer(options));
  return { url, tail, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** Calls each reading route of a booking-api, and releases a hold. @returns the answers that are errors of its own */
async function readEverything(url: string, seatId: string): Promise<string[]> {
  const errors: string[] = [];
  const ask = async (path: string, init: RequestInit = {}): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/api/v1${path}`, init);
    const text = await response.text();
    // An earlier build may lack a route, and answers 404.
    if (response.status >= 500) errors.push(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const userId = randomUUID();
  const headers = { 'content-type': 'application/json' };
  const booking = await ask('/booking', {
    method: 'POST',
    headers,
    body: JSON.stringify({ seatId, userId }),
  });
  const [id, eventId] = [String(booking['id']), String(booking['eventId'])];
  for (const path of [
    '/events',
    `/events/${eventId}`,
    `/events/${eventId}/seats`,
    `/seats/available?eventId=${eventId}`,
    `/booking/${id}`,
    `/booking?eventId=${eventId}&userId=${userId}`,
  ])
    await ask(path);
  const released = await ask(`/booking/${id}`, { method: 'DELETE' });
  if (released['status'] !== 'CANCELLED') errors.push(`not released: ${JSON.stringify(released)}`);
  return errors;
}
