import { once } from 'node:events';
import { eventInput, waitFor } from '@ticketing/testkit';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLive, type FollowingClient } from '../fixtures/follow-live.ts';
import { metricOf, openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Changes seats as every process does: in the table first, then by a message. */
async function change(eventId: string, from: number, seats: number): Promise<void> {
  const changed = await api.query<{ id: string; status: string; version: number }>(
    `update seats set version = version + 1, status = case status when 'RESERVED' then 'AVAILABLE' else 'RESERVED' end
     where event_id = $1 and id in (select id from seats where event_id = $1 order by id offset $2 limit $3)
     returning id, status, version::int`,
    [eventId, from, seats],
  );
  await api.redis.publish(`seats:changes:${api.redis.options.db}:${eventId}`, JSON.stringify(changed));
}

const byId = ([one]: [string, string], [other]: [string, string]) => (one < other ? -1 : 1);

async function inTable(eventId: string): Promise<[string, string][]> {
  const rows = await api.query<{ id: string; status: string }>(
    "select id, status from seats where event_id = $1 and status <> 'AVAILABLE' order by id",
    [eventId],
  );
  return rows.map(({ id, status }) => [id, status]);
}

async function expectStatuses(client: FollowingClient, statuses: [string, string][]): Promise<void> {
  await waitFor(
    () => {
      expect([...client.statuses].toSorted(byId)).toEqual(statuses);
      return true;
    },
    { description: 'the statuses of the database', timeoutMs: 10_000, intervalMs: 200 },
  );
  expect(client.closeCode()).toBeNull();
}

describe('an event of 100,000 seats, none of them free', () => {
  const seats = 100_000;
  let eventId: string;
  beforeAll(async () => {
    ({ id: eventId } = await api.core.createEvent(eventInput({ seats, seatsPerRow: 1_000 })));
    // One statement for all seats would exceed the time limit of a statement.
    for (let from = 0; from < seats; from += 5_000) await change(eventId, from, 5_000);
  });

  /** Connects and reads nothing before `resume`. */
  async function connectIdle(of: TestApi): Promise<WebSocket> {
    const socket = new WebSocket(`${of.url.replace('http:', 'ws:')}/api/v1/events/${eventId}/live`);
    await once(socket, 'open');
    socket.pause();
    return socket;
  }

  it('a client that reads a large snapshot slowly is kept, and gets all changes since in one message', async () => {
    const slow = await connectIdle(api);
    const messages: { type: string; seats: { id: string; status: string }[] }[] = [];
    slow.on('message', (data: Buffer) => void messages.push(JSON.parse(data.toString()) as never));
    using reading = await followLive(api.url, eventId);
    for (let turn = 0; turn < 8; turn++) {
      await change(eventId, turn * 400, 400);
      await waitFor(() => reading.messages.length > turn + 1, { description: 'the changes to arrive' });
    }
    expect(await metricOf(api, 'live_sockets_dropped_total{reason="slow"}')).toBeNaN();
    slow.resume();
    await waitFor(() => messages.length > 1, {
      description: 'the slow client to have read both',
      timeoutMs: 10_000,
    });
    expect(messages.map(({ type, seats: { length } }) => [type, length])).toEqual([
      ['snapshot', seats],
      ['changes', 3_200],
    ]);
    const statuses = new Map(
      messages.flatMap((message) => message.seats.map(({ id, status }) => [id, status] as const)),
    );
    const reserved = [...statuses].filter(([, status]) => status !== 'AVAILABLE');
    expect(reserved.toSorted(byId)).toEqual(await inTable(eventId));
    slow.terminate();
  });

  it('a client that waits for its snapshot behind clients that do not read gets it, and they are dropped', async () => {
    const live = { snapshotsAtOnce: 1, maxLagMs: 1_000, pingEveryMs: 100 };
    await using narrow = await openApiOn(api.stack, {}, { live });
    const startedAt = performance.now();
    const idle = await Promise.all(Array.from({ length: 4 }, () => connectIdle(narrow)));
    using waiting = await followLive(narrow.url, eventId);
    // A client whose operating system did not take the whole snapshot kept the lane for a second.
    expect(performance.now() - startedAt).toBeGreaterThan(live.maxLagMs);
    expect(waiting.messages[0]).toMatchObject({
      type: 'snapshot',
      seats: { length: (await inTable(eventId)).length },
    });
    // As slow, or as silent when the operating systems took the whole snapshot.
    await waitFor(async () => (await metricOf(narrow, 'live_sockets')) === 1, {
      description: 'the clients that do not read to be dropped',
    });
    expect(waiting.closeCode()).toBeNull();
    for (const socket of idle) socket.terminate();
  });
});

describe('a reconnect storm', () => {
  it('clients that all reconnect at once, three times during a sale, end with the statuses of the database', async () => {
    const count = 200;
    const { event, seatIds } = await api.createEvent(2_000);
    const connectAll = () => Promise.all(Array.from({ length: count }, () => followLive(api.url, event.id)));
    let changes = 0;
    const over = new AbortController();
    // Round after round reserves all seats and frees them; it stops when one half is reserved.
    const sale = (async () => {
      while (!over.signal.aborted || changes % 100 !== 50)
        await change(event.id, (changes++ * 20) % seatIds.length, 20);
    })();
    for (let storm = 0; storm < 3; storm++) {
      for (const client of await connectAll()) client[Symbol.dispose]();
    }
    const clients = await connectAll();
    over.abort();
    await sale;
    const statuses = await inTable(event.id);
    expect(statuses.length).toBe(1_000);
    for (const client of clients) await expectStatuses(client, statuses);
    await waitFor(async () => (await metricOf(api, 'live_sockets')) === count, {
      description: 'the clients that left to be forgotten',
    });
    for (const client of clients) client[Symbol.dispose]();
  });
});
