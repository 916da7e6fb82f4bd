import { once } from 'node:events';
import { waitFor } from '@ticketing/testkit';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLive, type LiveClient } from '../fixtures/live-client.ts';
import { metricOf, openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** As any process does: in the table first, and then by a message. */
async function change(eventId: string, from: number, seats: number): Promise<void> {
  const changed = await api.query<{ id: string; status: string; version: number }>(
    `update seats set version = version + 1, status = case status when 'RESERVED' then 'AVAILABLE' else 'RESERVED' end
     where id in (select id from seats where event_id = $1 order by id offset $2 limit $3)
     returning id, status, version::int`,
    [eventId, from, seats],
  );
  await api.redis.publish(`seats:changes:${eventId}`, JSON.stringify(changed));
}

const byId = ([one]: [string, string], [other]: [string, string]) => (one < other ? -1 : 1);

async function inTable(eventId: string): Promise<[string, string][]> {
  const rows = await api.query<{ id: string; status: string }>(
    "select id, status from seats where event_id = $1 and status <> 'AVAILABLE' order by id",
    [eventId],
  );
  return rows.map(({ id, status }) => [id, status]);
}

async function expectPicture(client: LiveClient, picture: [string, string][]): Promise<void> {
  await waitFor(
    () => {
      expect([...client.picture].toSorted(byId)).toEqual(picture);
      return true;
    },
    { description: 'the picture of the database', timeoutMs: 10_000, intervalMs: 200 },
  );
  expect(client.closedWith()).toBeNull();
}

describe('with a hall of 100,000 seats of which none is free', () => {
  const seats = 100_000;
  let eventId: string;
  beforeAll(async () => {
    const rows = Array.from({ length: seats / 1_000 }, (_, index) => ({ name: String(index), seats: 1_000 }));
    const section = { name: 'S', price: { amount: 1, currency: 'IDR' }, rows };
    const startsAt = new Date(Date.now() + 86_400_000);
    ({ id: eventId } = await api.core.createEvent({ name: 'E', venue: 'V', startsAt, sections: [section] }));
    // All of them in one statement would take longer than a statement may.
    for (let from = 0; from < seats; from += 5_000) await change(eventId, from, 5_000);
  });

  /** Connected, and reading nothing until it is told to. */
  async function followLazily(of: TestApi): Promise<WebSocket> {
    const socket = new WebSocket(`${of.url.replace('http:', 'ws:')}/api/v1/events/${eventId}/live`);
    await once(socket, 'open');
    socket.pause();
    return socket;
  }

  it('a slow reader of the snapshot is not dropped for what changes meanwhile, and told all of it', async () => {
    const slow = await followLazily(api);
    const messages: { type: string; seats: { id: string; status: string }[] }[] = [];
    slow.on('message', (data: Buffer) => void messages.push(JSON.parse(data.toString()) as never));
    using keen = await followLive(api.url, eventId);
    for (let turn = 0; turn < 8; turn++) {
      await change(eventId, turn * 400, 400);
      await waitFor(() => keen.messages.length > turn + 1, { description: 'the changes to be told' });
    }
    expect(await metricOf(api, 'live_sockets_dropped_total{reason="slow"}')).toBeNaN();
    slow.resume();
    await waitFor(() => messages.length > 1, {
      description: 'the slow one to have read it',
      timeoutMs: 10_000,
    });
    expect(messages.map(({ type, seats: told }) => [type, told.length])).toEqual([
      ['snapshot', seats],
      ['changes', 3_200],
    ]);
    const picture = new Map(
      messages.flatMap((message) => message.seats.map(({ id, status }) => [id, status] as const)),
    );
    const reserved = [...picture].filter(([, status]) => status !== 'AVAILABLE');
    expect(reserved.toSorted(byId)).toEqual(await inTable(eventId));
    slow.terminate();
  });

  it('whoever waits behind those who do not read is not late, and they are dropped', async () => {
    const live = { snapshotsAtOnce: 1, mayBeBehindMs: 1_000, pingEveryMs: 100 };
    await using narrow = await openApiOn(api.stack, {}, { live });
    const startedAt = performance.now();
    const lazy = await Promise.all(Array.from({ length: 4 }, () => followLazily(narrow)));
    using patient = await followLive(narrow.url, eventId);
    // One whose systems did not take all of it kept the lane for a second: as long as a snapshot may take.
    expect(performance.now() - startedAt).toBeGreaterThan(live.mayBeBehindMs);
    expect(patient.messages[0]).toMatchObject({
      type: 'snapshot',
      seats: { length: (await inTable(eventId)).length },
    });
    // All but the patient one: as slow, or as silent when the systems took all of it.
    await waitFor(async () => (await metricOf(narrow, 'live_sockets')) === 1, {
      description: 'those who do not read to be dropped',
    });
    expect(patient.closedWith()).toBeNull();
    for (const socket of lazy) socket.terminate();
  });
});

describe('a storm', () => {
  it('of all who lost their connection and come again at once, again and again, ends with the picture', async () => {
    const viewers = 200;
    const { event, seatIds } = await api.createEvent(2_000);
    const comeAll = () => Promise.all(Array.from({ length: viewers }, () => followLive(api.url, event.id)));
    let changes = 0;
    const over = new AbortController();
    // Round after round sells the hall and gives it back; it ends where one half is sold and the other is not.
    const sale = (async () => {
      while (!over.signal.aborted || changes % 100 !== 50)
        await change(event.id, (changes++ * 20) % seatIds.length, 20);
    })();
    for (let storm = 0; storm < 3; storm++) {
      for (const client of await comeAll()) client[Symbol.dispose]();
    }
    const clients = await comeAll();
    over.abort();
    await sale;
    const picture = await inTable(event.id);
    expect(picture.length).toBe(1_000);
    for (const client of clients) await expectPicture(client, picture);
    await waitFor(async () => (await metricOf(api, 'live_sockets')) === viewers, {
      description: 'those who left to be forgotten',
    });
    for (const client of clients) client[Symbol.dispose]();
  });
});
