import { setTimeout as delay } from 'node:timers/promises';
import {
  auditViolations,
  createPrivateStack,
  makeEvent,
  type PrivateStack,
  type RunningService,
  startService,
  waitFor,
} from '@ticketing/testkit';
import { openDatabase, type Database } from '@ticketing/seat-core/clients';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followLive, type FollowingClient } from '../fixtures/follow-live.ts';

/** TEST_FAULTS=long takes as many clients as follow a sale. */
const clientCount = process.env['TEST_FAULTS'] === 'long' ? 500 : 100;
const flaps = 8;

let stack: PrivateStack;
let database: Database;
let api: RunningService;

beforeAll(async () => {
  stack = await createPrivateStack();
  database = openDatabase({ databaseUrl: stack.databaseUrl, poolMax: 2 });
  api = await startService('booking-api', {
    DATABASE_URL: stack.serviceUrl,
    REDIS_URL: stack.redisUrl,
    RATE_LIMIT_MAX: '0',
    LIVE_SOCKETS_PER_ADDRESS: '0',
  });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await database.$client.end();
  await stack.dispose();
});

async function send(method: string, path: string, json?: object): Promise<{ id: string } | undefined> {
  const init = json && { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${api.url}/api/v1/${path}`, { method, ...init });
  const body = (await response.json()) as { id: string };
  return response.ok ? body : undefined;
}

it('live clients end with the statuses of the database after Redis failed several times a second', async () => {
  const { eventId, seatIds } = await makeEvent(api, { seats: 400 });
  const clients: FollowingClient[] = [];
  // Not all at once: a busy process sheds some requests.
  while (clients.length < clientCount) {
    const few = Array.from({ length: 20 }, () => followLive(api.url, eventId));
    clients.push(...(await Promise.all(few)));
  }

  const over = new AbortController();
  let sold = 0;
  const buyers = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) {
      const turn = (sold += 1);
      const request = { seatId: seatIds[turn % seatIds.length], userId: `user-${turn}` };
      const held = await send('POST', 'booking', request);
      if (held !== undefined && turn % 2 === 0) await send('DELETE', `booking/${held.id}`);
    }
  });
  for (let flap = 0; flap < flaps; flap++) {
    // In turns: a killed Redis breaks connections, a frozen one stalls them. 200 ms are enough for some reconnects.
    const [goes, comes] = flap % 2 === 0 ? (['kill', 'start'] as const) : (['freeze', 'thaw'] as const);
    await stack.redis[goes]();
    await delay(200);
    await stack.redis[comes]();
    await delay(200);
  }
  over.abort();
  await Promise.all(buyers);

  const table = await database.$client.query<{ id: string; status: string }>(
    "select id, status from seats where status <> 'AVAILABLE' order by id",
  );
  const expected = table.rows.map(({ id, status }) => [id, status]);
  expect(expected.length).toBeGreaterThan(10);
  const isCurrent = ({ statuses: seen }: FollowingClient) =>
    seen.size === expected.length && expected.every(([id, status]) => seen.get(id!) === status);
  await waitFor(() => clients.every(isCurrent), {
    description: 'all clients to have the statuses of the database',
    timeoutMs: 10_000,
    intervalMs: 100,
  });
  expect(clients.filter((client) => client.closeCode() !== null)).toHaveLength(0);
  for (const client of clients) {
    expect(client.messages.map(({ seq }) => seq)).toEqual(client.messages.map((_, index) => index + 1));
    client[Symbol.dispose]();
  }
  expect(await auditViolations(stack.databaseUrl)).toEqual([]);
});
