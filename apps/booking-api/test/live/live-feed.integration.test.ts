import { anyone } from '@ticketing/seat-core';
import { waitFor, withinDeadline } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLive } from '../fixtures/follow-live.ts';
import { metricOf, openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe('the live feed', () => {
  it('the live feed starts with a snapshot of the seats that are not free, and numbers its messages', async () => {
    const { event, seatIds } = await api.createEvent(5);
    const { id } = await api.hold(seatIds[1]!);
    await api.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    using client = await followLive(api.url, event.id.toUpperCase());
    expect(client.messages).toEqual([
      { type: 'snapshot', seq: 1, version: 2, seats: [{ id: seatIds[1], status: 'SOLD' }] },
    ]);

    const held = await api.hold([seatIds[2]!, seatIds[3]!], 'budi');
    await waitFor(() => client.statuses.size === 3, { description: 'the hold to arrive' });
    await api.call('DELETE', `/api/v1/booking/${held.id}`);
    await waitFor(() => client.statuses.size === 1, { description: 'the release to arrive' });
    expect(client.messages.map(({ seq }) => seq)).toEqual(client.messages.map((_, index) => index + 1));
    // Another snapshot comes only when a message was missed.
    const missed = await metricOf(api, 'seat_changes_missed_total');
    const later = client.messages.slice(1);
    expect(later.some(({ type }) => type === 'snapshot')).toBe(missed > 0);
    for (const seat of later.flatMap(({ seats }) => seats))
      expect(Object.keys(seat)).toEqual(['id', 'status']);
  });

  it('clients that connect later arrive at the same statuses', async () => {
    const { event, seatIds } = await api.createEvent(8);
    const clients = [await followLive(api.url, event.id)];
    for (const [index, seatId] of seatIds.entries()) {
      await api.hold(seatId, `user-${index}`);
      clients.push(await followLive(api.url, event.id));
    }
    for (const client of clients) {
      await waitFor(() => client.statuses.size === seatIds.length, { description: 'all holds to arrive' });
      expect([...client.statuses.keys()].toSorted()).toEqual(seatIds);
      client[Symbol.dispose]();
    }
  });

  it('live_sockets counts the clients, and the request metric counts each upgrade as 101', async () => {
    const { event } = await api.createEvent(1);
    const client = await followLive(api.url, event.id);
    expect(await metricOf(api, 'live_sockets')).toBe(1);
    const counted = await api.registry.getSingleMetricAsString('http_request_duration_seconds');
    expect(counted).toContain(
      'http_request_duration_seconds_count{method="GET",route="/api/v1/events/:eventId/live",status="101"}',
    );
    client[Symbol.dispose]();
    await waitFor(async () => (await metricOf(api, 'live_sockets')) === 0, {
      description: 'the client to be gone',
    });
  });

  it('sends a new client the shared snapshot and a delta, or a new snapshot when many seats changed', async () => {
    const { event, seatIds } = await api.createEvent(200);
    using first = await followLive(api.url, event.id);
    const publish = (ids: readonly string[]) => {
      const changes = ids.map((id) => ({ id, status: 'RESERVED', version: 1 }));
      return api.redis.publish(`seats:changes:${api.redis.options.db}:${event.id}`, JSON.stringify(changes));
    };
    await api.query("update seats set status = 'RESERVED', version = 1 where event_id = $1", [event.id]);
    await publish(seatIds.slice(0, 10));
    await waitFor(() => first.statuses.size === 10, { description: 'ten changes to arrive' });
    using second = await followLive(api.url, event.id);
    await waitFor(() => second.statuses.size === 10, {
      description: 'ten changes to arrive at the second client',
    });
    expect(second.messages.map(({ type, seats }) => [type, seats.length])).toEqual([
      ['snapshot', 0],
      ['changes', 10],
    ]);

    await publish(seatIds.slice(10, 160));
    await waitFor(() => first.statuses.size >= 160, { description: 'most changes to arrive' });
    using third = await followLive(api.url, event.id);
    expect(third.messages[0]).toMatchObject({ type: 'snapshot', seats: { length: first.statuses.size } });
  });

  it('recovers a lost message with a new snapshot', async () => {
    const { event, seatIds } = await api.createEvent(2);
    using client = await followLive(api.url, event.id);
    await api.query("update seats set status = 'RESERVED', version = version + 1 where id = $1", [
      seatIds[0],
    ]);
    await waitFor(() => client.statuses.size === 1, { description: 'the lost change' });
    expect(client.messages.at(-1)).toMatchObject({ type: 'snapshot', seq: 2 });
  });

  it('ignores a small message from a client, and closes the connection for a large one', async () => {
    const { event, seatIds } = await api.createEvent(1);
    using small = await followLive(api.url, event.id);
    using large = await followLive(api.url, event.id);
    small.socket.send('hello');
    large.socket.send('x'.repeat(2_000));
    await waitFor(() => large.closeCode() !== null, {
      description: 'the client with the large message to be cut',
    });
    await api.hold(seatIds[0]!);
    await waitFor(() => small.statuses.size === 1, { description: 'the hold to arrive' });
    expect(large.statuses.size).toBe(0);
  });
});

describe('a live client', () => {
  it('drops a live client that does not read, and goes on sending to the others', async () => {
    const { event, seatIds } = await api.createEvent(4_000);
    using idle = await followLive(api.url, event.id);
    using reading = await followLive(api.url, event.id);
    idle.socket.pause();
    // Faster than any sale, because the buffers of the operating systems at both ends have to be full first.
    let version = 0;
    const dropped = () => metricOf(api, 'live_sockets_dropped_total{reason="slow"}');
    await waitFor(
      async () => {
        version += 1;
        const status = version % 2 === 0 ? 'RESERVED' : 'AVAILABLE';
        const changes = seatIds.map((id) => ({ id, status, version }));
        await api.redis.publish(`seats:changes:${api.redis.options.db}:${event.id}`, JSON.stringify(changes));
        return (await dropped()) === 1;
      },
      { description: 'the client that does not read to be dropped', timeoutMs: 15_000, intervalMs: 50 },
    );
    const last = { id: seatIds[0], status: 'SOLD', version: version + 1 };
    await api.redis.publish(`seats:changes:${api.redis.options.db}:${event.id}`, JSON.stringify([last]));
    await waitFor(() => reading.statuses.get(seatIds[0]!) === 'SOLD', { description: 'the last change' });
    idle.socket.resume();
    await waitFor(() => idle.closeCode() !== null, { description: 'the dropped client to see its end' });
    expect(idle.statuses.get(seatIds[0]!)).not.toBe('SOLD');
  });

  it('drops a live client that answers no ping', async () => {
    await using strict = await openApiOn(api.stack, {}, { live: { pingEveryMs: 100 } });
    const { event } = await api.createEvent(1);
    using silent = await followLive(strict.url, event.id, { autoPong: false });
    using alive = await followLive(strict.url, event.id);
    await waitFor(() => silent.closeCode() !== null, { description: 'the silent client to be dropped' });
    expect(await metricOf(strict, 'live_sockets_dropped_total{reason="silent"}')).toBe(1);
    expect(alive.closeCode()).toBeNull();
  });

  it('drops a live client that sends more frames than a client needs to', async () => {
    const { event } = await api.createEvent(1);
    using modest = await followLive(api.url, event.id);
    using noisy = await followLive(api.url, event.id);
    for (let count = 0; count < 50; count++) modest.socket.ping();
    for (let count = 0; count < 500; count++) noisy.socket.send('x');
    await waitFor(() => noisy.closeCode() !== null, { description: 'the noisy client to be dropped' });
    expect(await metricOf(api, 'live_sockets_dropped_total{reason="noisy"}')).toBe(1);
    expect(modest.closeCode()).toBeNull();
  });

  it('closes a live client that got its place before the service stopped and connected after that', async () => {
    const stopping = await openApiOn(api.stack);
    const { event } = await api.createEvent(1);
    await stopping.call('GET', `/api/v1/events/${event.id}`);
    await api.query('begin; lock table seats in access exclusive mode');
    const following = followLive(stopping.url, event.id);
    // Of this database only: other tests lock on the same server.
    const waiting = `select from pg_locks join pg_database on pg_database.oid = pg_locks.database
      where not granted and relation = 'seats'::regclass and datname = current_database()`;
    await waitFor(async () => (await api.query(waiting)).length > 0, {
      description: 'the request for a place to wait',
    });
    const closing = stopping[Symbol.asyncDispose]();
    await api.query('rollback');
    await withinDeadline('a service that grants a place while it stops', 2_000, async () => {
      await closing;
    });
    const client = await following;
    await waitFor(() => client.closeCode() !== null, { description: 'the close message' });
    expect(client.closeCode()).toBe(1001);
  });

  it('closes live clients with 1001 when the service stops, which does not wait for a frozen one', async () => {
    const stopping = await openApiOn(api.stack);
    const { event } = await api.createEvent(1);
    using polite = await followLive(stopping.url, event.id);
    using frozen = await followLive(stopping.url, event.id);
    frozen.socket.pause();
    await withinDeadline('a service with open live connections stops', 2_000, async () => {
      await stopping[Symbol.asyncDispose]();
    });
    await waitFor(() => polite.closeCode() !== null, { description: 'the close message' });
    expect(polite.closeCode()).toBe(1001);
  });
});
