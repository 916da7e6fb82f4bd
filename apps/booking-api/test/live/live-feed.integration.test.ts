import { waitFor, withinDeadline } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLive } from '../fixtures/live-client.ts';
import { metricOf, openApiOn, openTestApi, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe('the live feed', () => {
  it('begins with a snapshot of the seats that are not free, and numbers its messages', async () => {
    const { event, seatIds } = await api.createEvent(5);
    const { id } = await api.hold(seatIds[1]!);
    await api.core.confirmBooking({ bookingId: id, actor: 'test' });
    using client = await followLive(api.url, event.id.toUpperCase());
    expect(client.messages).toEqual([
      { type: 'snapshot', seq: 1, version: 2, seats: [{ id: seatIds[1], status: 'SOLD' }] },
    ]);

    const held = await api.hold([seatIds[2]!, seatIds[3]!], 'budi');
    await waitFor(() => client.picture.size === 3, { description: 'the hold to be told' });
    await api.call('DELETE', `/api/v1/booking/${held.id}`);
    await waitFor(() => client.picture.size === 1, { description: 'the release to be told' });
    expect(client.messages.map(({ seq }) => seq)).toEqual(client.messages.map((_, index) => index + 1));
    // A snapshot comes again where a message was missed, and nowhere else.
    const missed = await metricOf(api, 'seat_changes_missed_total');
    const later = client.messages.slice(1);
    expect(later.some(({ type }) => type === 'snapshot')).toBe(missed > 0);
    for (const seat of later.flatMap(({ seats }) => seats))
      expect(Object.keys(seat)).toEqual(['id', 'status']);
  });

  it('brings those who come later to the same picture', async () => {
    const { event, seatIds } = await api.createEvent(8);
    const clients = [await followLive(api.url, event.id)];
    for (const [index, seatId] of seatIds.entries()) {
      await api.hold(seatId, `user-${index}`);
      clients.push(await followLive(api.url, event.id));
    }
    for (const client of clients) {
      await waitFor(() => client.picture.size === seatIds.length, { description: 'the whole picture' });
      expect([...client.picture.keys()].toSorted()).toEqual(seatIds);
      client[Symbol.dispose]();
    }
  });

  it('is told of by live_sockets, and by one line of the log per connection', async () => {
    const { event } = await api.createEvent(1);
    const client = await followLive(api.url, event.id);
    expect(await metricOf(api, 'live_sockets')).toBe(1);
    const counted = await api.registry.getSingleMetricAsString('http_request_duration_seconds');
    expect(counted).toContain(
      'http_request_duration_seconds_count{method="GET",route="/api/v1/events/:eventId/live",status="101"}',
    );
    client[Symbol.dispose]();
    await waitFor(async () => (await metricOf(api, 'live_sockets')) === 0, { description: 'it to be gone' });
  });

  it('sends a new snapshot to whoever comes when much has changed, else the known one and what changed', async () => {
    const { event, seatIds } = await api.createEvent(200);
    using first = await followLive(api.url, event.id);
    const publish = (ids: readonly string[]) => {
      const changes = ids.map((id) => ({ id, status: 'RESERVED', version: 1 }));
      return api.redis.publish(`seats:changes:${event.id}`, JSON.stringify(changes));
    };
    await api.query("update seats set status = 'RESERVED', version = 1 where event_id = $1", [event.id]);
    await publish(seatIds.slice(0, 10));
    await waitFor(() => first.picture.size === 10, { description: 'ten to be told' });
    using second = await followLive(api.url, event.id);
    await waitFor(() => second.picture.size === 10, { description: 'ten to be told to the second' });
    expect(second.messages.map(({ type, seats }) => [type, seats.length])).toEqual([
      ['snapshot', 0],
      ['changes', 10],
    ]);

    await publish(seatIds.slice(10, 160));
    await waitFor(() => first.picture.size >= 160, { description: 'most to be told' });
    using third = await followLive(api.url, event.id);
    expect(third.messages[0]).toMatchObject({ type: 'snapshot', seats: { length: first.picture.size } });
  });

  it('heals a message that was lost with a new snapshot', async () => {
    const { event, seatIds } = await api.createEvent(2);
    using client = await followLive(api.url, event.id);
    await api.query("update seats set status = 'RESERVED', version = version + 1 where id = $1", [
      seatIds[0],
    ]);
    await waitFor(() => client.picture.size === 1, { description: 'the lost change' });
    expect(client.messages.at(-1)).toMatchObject({ type: 'snapshot', seq: 2 });
  });

  it('reads nothing: what is large cuts the connection, what is small is ignored', async () => {
    const { event, seatIds } = await api.createEvent(1);
    using quiet = await followLive(api.url, event.id);
    using loud = await followLive(api.url, event.id);
    quiet.socket.send('hello');
    loud.socket.send('x'.repeat(2_000));
    await waitFor(() => loud.closedWith() !== null, { description: 'the loud one to be cut' });
    await api.hold(seatIds[0]!);
    await waitFor(() => quiet.picture.size === 1, { description: 'the hold to be told' });
    expect(loud.picture.size).toBe(0);
  });
});

describe('a connection', () => {
  it('that does not read is dropped, and keeps nobody else from the news', async () => {
    const { event, seatIds } = await api.createEvent(4_000);
    using lazy = await followLive(api.url, event.id);
    using keen = await followLive(api.url, event.id);
    lazy.socket.pause();
    // As any process publishes, and faster than any sale: what the systems at both ends take has to be full first.
    let version = 0;
    const dropped = () => metricOf(api, 'live_sockets_dropped_total{reason="slow"}');
    await waitFor(
      async () => {
        version += 1;
        const status = version % 2 === 0 ? 'RESERVED' : 'AVAILABLE';
        const changes = seatIds.map((id) => ({ id, status, version }));
        await api.redis.publish(`seats:changes:${event.id}`, JSON.stringify(changes));
        return (await dropped()) === 1;
      },
      { description: 'the one that does not read to be dropped', timeoutMs: 15_000, intervalMs: 50 },
    );
    const last = { id: seatIds[0], status: 'SOLD', version: version + 1 };
    await api.redis.publish(`seats:changes:${event.id}`, JSON.stringify([last]));
    await waitFor(() => keen.picture.get(seatIds[0]!) === 'SOLD', { description: 'the last change' });
    lazy.socket.resume();
    await waitFor(() => lazy.closedWith() !== null, { description: 'it to see that it was dropped' });
    expect(lazy.picture.get(seatIds[0]!)).not.toBe('SOLD');
  });

  it('that gives no sign of life is dropped', async () => {
    await using strict = await openApiOn(api.stack, {}, { live: { pingEveryMs: 100 } });
    const { event } = await api.createEvent(1);
    using dead = await followLive(strict.url, event.id, { autoPong: false });
    using alive = await followLive(strict.url, event.id);
    await waitFor(() => dead.closedWith() !== null, { description: 'the silent one to be dropped' });
    expect(await metricOf(strict, 'live_sockets_dropped_total{reason="silent"}')).toBe(1);
    expect(alive.closedWith()).toBeNull();
  });

  it('that sends what nobody asked for is cut, before it costs much', async () => {
    const { event } = await api.createEvent(1);
    using modest = await followLive(api.url, event.id);
    using noisy = await followLive(api.url, event.id);
    for (let count = 0; count < 50; count++) modest.socket.ping();
    for (let count = 0; count < 500; count++) noisy.socket.send('x');
    await waitFor(() => noisy.closedWith() !== null, { description: 'the noisy one to be cut' });
    expect(await metricOf(api, 'live_sockets_dropped_total{reason="noisy"}')).toBe(1);
    expect(modest.closedWith()).toBeNull();
  });

  it('is told to go also when it was granted its place before all were, and comes after', async () => {
    const stopping = await openApiOn(api.stack);
    const { event } = await api.createEvent(1);
    await stopping.call('GET', `/api/v1/events/${event.id}`);
    await api.query('begin; lock table seats in access exclusive mode');
    const following = followLive(stopping.url, event.id);
    // Of this database: on the same server other tests lock, too.
    const waiting = `select from pg_locks join pg_database on pg_database.oid = pg_locks.database
      where not granted and relation = 'seats'::regclass and datname = current_database()`;
    await waitFor(async () => (await api.query(waiting)).length > 0, {
      description: 'the place to be waited for',
    });
    const closing = stopping[Symbol.asyncDispose]();
    await api.query('rollback');
    await withinDeadline('a service that lets somebody in while it stops', 2_000, async () => {
      await closing;
    });
    const client = await following;
    await waitFor(() => client.closedWith() !== null, { description: 'the farewell' });
    expect(client.closedWith()).toBe(1001);
  });

  it('is told when the service stops, and does not hold it up', async () => {
    const stopping = await openApiOn(api.stack);
    const { event } = await api.createEvent(1);
    using polite = await followLive(stopping.url, event.id);
    using frozen = await followLive(stopping.url, event.id);
    frozen.socket.pause();
    await withinDeadline('a service with open live connections stops', 2_000, async () => {
      await stopping[Symbol.asyncDispose]();
    });
    await waitFor(() => polite.closedWith() !== null, { description: 'the farewell' });
    expect(polite.closedWith()).toBe(1001);
  });
});
