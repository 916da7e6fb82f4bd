import {
  auditViolations,
  createPrivateStack,
  makeEvent,
  type PrivateStack,
  type RunningService,
  type ServiceName,
  startService,
  waitFor,
} from '@ticketing/testkit';
import { openDatabase, type Database } from '@ticketing/seat-core/clients';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followLive, type FollowingClient } from '../fixtures/follow-live.ts';
import type { BookingBody } from '../fixtures/test-api.ts';

/** TEST_FAULTS=long sells 2,000 seats. */
const isLong = process.env['TEST_FAULTS'] === 'long';
const seatCount = isLong ? 2_000 : 200;
const holdSeconds = 2;

let stack: PrivateStack;
let database: Database;
let first: RunningService;
let second: RunningService;
let payments: RunningService;
let worker: RunningService;

const start = (name: ServiceName) =>
  startService(name, {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    HOLD_SECONDS: String(holdSeconds),
    RATE_LIMIT_MAX: '0',
  });

beforeAll(async () => {
  stack = await createPrivateStack();
  database = openDatabase({ databaseUrl: stack.databaseUrl, poolMax: 2 });
  [first, second, payments, worker] = await Promise.all([
    start('booking-api'),
    start('booking-api'),
    start('payment-api'),
    start('expiry-worker'),
  ]);
});
afterAll(async () => {
  for (const service of [first, second, payments, worker]) await service[Symbol.asyncDispose]();
  await database.$client.end();
  await stack.dispose();
});

/** @returns the body; undefined for a refusal and when no answer came */
async function send<Body>(method: string, url: string, json?: object): Promise<Body | undefined> {
  const init = json && { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, { method, ...init }).catch(() => undefined);
  const body = (await response?.json().catch(() => undefined)) as Body | undefined;
  return response?.ok === true ? body : undefined;
}

const hold = (api: RunningService, seatId: string, userId: string) =>
  send<BookingBody>('POST', `${api.url}/api/v1/booking`, { seatId, userId });
const confirm = (bookingId: string) =>
  send<BookingBody>('POST', `${payments.url}/api/v1/payment/${bookingId}/confirm`);

async function expectStatus(
  client: FollowingClient,
  seatId: string,
  status: string,
  by: string,
): Promise<void> {
  await waitFor(() => (client.statuses.get(seatId) ?? 'AVAILABLE') === status, {
    description: `${status} by ${by} to arrive`,
    timeoutMs: 10_000,
  });
}

it('a live client gets the changes of every process of every service, with Redis, without it and after its return', async () => {
  const { eventId, seatIds } = await makeEvent(first, { seats: 8 });
  using client = await followLive(first.url, eventId);
  const sell = async (seatId: string, how: string) => {
    const held = await hold(second, seatId, how.replaceAll(' ', '-'));
    await expectStatus(client, seatId, 'RESERVED', `the other booking-api, ${how}`);
    await confirm(held!.id);
    await expectStatus(client, seatId, 'SOLD', `payment-api, ${how}`);
  };
  await sell(seatIds[0], 'with Redis');
  await hold(second, seatIds[1]!, 'forgetful');
  await expectStatus(client, seatIds[1]!, 'RESERVED', 'the other booking-api');
  await expectStatus(client, seatIds[1]!, 'AVAILABLE', 'expiry-worker');

  await stack.redis.kill();
  await sell(seatIds[2]!, 'without Redis');
  await stack.redis.start();
  await waitFor(
    async () => (await send<{ status: string }>('GET', `${first.url}/health/ready`))?.status === 'ready',
    { description: 'Redis to be used again', timeoutMs: 10_000 },
  );
  await sell(seatIds[3]!, 'with Redis back');
  expect(client.closeCode()).toBeNull();
});

it('live clients end with the statuses of the database after a sale in which a booking-api was killed and restarted', async () => {
  const { eventId, seatIds } = await makeEvent(first, { seats: seatCount });
  const clients = [await followLive(first.url, eventId), await followLive(first.url, eventId)];
  const toBuy = seatIds.map((seatId, index) => ({ seatId, userId: `buyer-${index}` }));

  // A third pays, a third releases, a third forgets; each through a booking-api that is alive.
  const buy = async ({ seatId, userId }: (typeof toBuy)[number], index: number) => {
    const held =
      (await hold(index % 2 === 0 ? first : second, seatId, userId)) ?? (await hold(first, seatId, userId));
    if (held === undefined) return;
    if (index % 3 === 0) await confirm(held.id);
    if (index % 3 === 1) await send('DELETE', `${first.url}/api/v1/booking/${held.id}`);
  };
  let bought = 0;
  const buyers = Array.from({ length: 16 }, async () => {
    for (let next = toBuy.pop(); next !== undefined; next = toBuy.pop()) await buy(next, (bought += 1));
  });
  await waitFor(() => bought > seatCount / 3, { description: 'a third of the sale', timeoutMs: 60_000 });
  await second.kill();
  second = await start('booking-api');
  clients.push(await followLive(second.url, eventId));
  await Promise.all(buyers);

  const statuses = async () => {
    const { rows } = await database.$client.query<{ id: string; status: string }>(
      "select id, status from seats where event_id = $1 and status <> 'AVAILABLE' order by id",
      [eventId],
    );
    return rows.map(({ id, status }) => [id, status]);
  };
  await waitFor(async () => (await statuses()).every(([, status]) => status === 'SOLD'), {
    description: 'all forgotten holds to end',
    timeoutMs: 20_000,
  });
  const inTable = await statuses();
  expect(inTable.length).toBeGreaterThan(seatCount / 4);
  for (const client of clients) {
    await waitFor(() => client.statuses.size === inTable.length, {
      description: 'the client to have as many seats as the database',
    });
    expect([...client.statuses].toSorted(([one], [other]) => (one < other ? -1 : 1))).toEqual(inTable);
    expect(client.closeCode()).toBeNull();
    expect(client.messages.map(({ seq }) => seq)).toEqual(client.messages.map((_, index) => index + 1));
    client[Symbol.dispose]();
  }
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
});
