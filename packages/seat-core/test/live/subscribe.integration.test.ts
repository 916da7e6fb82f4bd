import { execFileSync } from 'node:child_process';
import { createPrivateStack, waitFor, type PrivateStack } from '@ticketing/testkit';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SeatMessage } from '../../src/live/subscription.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

/** Subscribes, and keeps the messages and the statuses that follow from them. */
async function follow(core: SeatCore, eventId: string) {
  const messages: SeatMessage[] = [];
  const statuses = new Map<string, string>();
  const receive = (message: SeatMessage) => {
    messages.push(message);
    if (message.type === 'snapshot') statuses.clear();
    for (const { id, status } of message.seats) statuses.set(id, status);
  };
  const subscription = await core.subscribeToSeats({ eventId, onMessage: receive });
  receive(subscription.snapshot());
  return { subscription, messages, statuses };
}

const types = (messages: readonly SeatMessage[]) => messages.map(({ type }) => type);

describe('subscribeToSeats', () => {
  let engine: TestEngine;
  let other: SeatCore;

  beforeEach(async () => {
    engine = await openTestEngine();
    other = engine.withSettings({});
  });
  afterEach(async () => {
    await other[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  it('starts with a snapshot of the seats that are not free, and then gets each change by any process', async () => {
    const { event, seatIds } = await engine.makeEvent(4);
    const [first, second] = seatIds;
    const sold = await other.holdSeats({ seatIds: [first], userId: 'ani' });
    await other.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'test' });

    const { subscription, messages, statuses } = await follow(engine.core, event.id);
    expect(messages).toEqual([{ type: 'snapshot', version: 2, seats: [{ id: first, status: 'SOLD' }] }]);

    const held = await other.holdSeats({ seatIds: [second!], userId: 'budi' });
    await waitFor(() => statuses.get(second!) === 'RESERVED', { description: 'the hold to arrive' });
    await other.releaseBooking({ bookingId: held.id, ownedBy: anyone, actor: 'test' });
    await waitFor(() => statuses.get(second!) === 'AVAILABLE', { description: 'the release to arrive' });
    expect(new Set(types(messages.slice(1)))).toEqual(new Set(['delta']));
    subscription.close();
  });

  it('gets many changes in few deltas, each seat once per delta', async () => {
    const { event, seatIds } = await engine.makeEvent(60);
    const { subscription, messages, statuses } = await follow(engine.core, event.id);
    const startedAt = performance.now();
    await Promise.all(
      seatIds.map((seatId, index) => other.holdSeats({ seatIds: [seatId], userId: `user-${index}` })),
    );
    await waitFor(() => statuses.size === seatIds.length, { description: 'all changes to arrive' });
    const ticks = Math.ceil((performance.now() - startedAt) / 100) + 1;
    expect(messages.length - 1).toBeLessThanOrEqual(ticks);
    for (const { seats } of messages) expect(new Set(seats.map(({ id }) => id)).size).toBe(seats.length);
    subscription.close();
  });

  it('is not called while the promise of onMessage is pending, and gathers changes meanwhile', async () => {
    const { event, seatIds } = await engine.makeEvent(3);
    const received: SeatMessage[] = [];
    let done = () => {};
    const subscription = await engine.core.subscribeToSeats({
      eventId: event.id,
      onMessage: (message) => {
        received.push(message);
        return new Promise((resolve) => (done = resolve));
      },
    });
    await other.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await waitFor(() => received.length === 1, { description: 'the first delta' });
    await other.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await other.holdSeats({ seatIds: [seatIds[2]!], userId: 'ani' });
    await waitFor(() => subscription.snapshot().seats.length === 3, { description: 'both to be known' });
    expect(received).toHaveLength(1);
    done();
    await waitFor(() => received.length === 2, { description: 'the second delta' });
    expect(received[1]).toMatchObject({ type: 'delta', seats: { length: 2 } });
    subscription.close();
    done();
  });

  it('gets a new snapshot within 2 s when a message was lost', async () => {
    const { event, seatIds } = await engine.makeEvent(2);
    const { subscription, messages, statuses } = await follow(engine.core, event.id);
    const lostAt = performance.now();
    await engine.pool.query("update seats set status = 'RESERVED', version = version + 1 where id = $1", [
      seatIds[0],
    ]);
    await waitFor(() => statuses.get(seatIds[0]) === 'RESERVED', { description: 'the lost change' });
    expect(messages.at(-1)).toEqual({
      type: 'snapshot',
      version: 1,
      seats: [{ id: seatIds[0], status: 'RESERVED' }],
    });
    expect(performance.now() - lostAt).toBeLessThan(2_500);
    expect(await engine.metric('seat_changes_missed_total')).toBe(1);
    subscription.close();
  });

  it('gets a delta, not a snapshot, for messages that a busy process reads late', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    const [id] = seatIds;
    const { subscription, messages, statuses } = await follow(engine.core, event.id);
    await engine.pool.query("update seats set status = 'RESERVED', version = version + 1 where id = $1", [
      id,
    ]);
    const comparisons = () => engine.statements.filter((name) => name === 'read-states').length;
    const before = comparisons();
    await waitFor(() => comparisons() > before, { description: 'the comparison that finds it' });
    await engine.core.ping();
    // This process is blocked until the message lies in its socket and the grace is over.
    const blockedUntil = performance.now() + 800;
    const { host = '', port = 0, username, password } = engine.redis.options;
    const publish = `import { Redis } from 'ioredis';
const redis = new Redis(${JSON.stringify({ host, port, username, password })});
await redis.publish('seats:changes:${engine.redis.options.db}:${event.id}', '${JSON.stringify([{ id, status: 'RESERVED', version: 1 }])}');
redis.disconnect();`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', publish], { cwd: import.meta.dirname });
    const restMs = Math.max(0, blockedUntil - performance.now());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, restMs);

    await waitFor(() => statuses.get(id) === 'RESERVED', { description: 'the change to arrive' });
    expect(types(messages)).toEqual(['snapshot', 'delta']);
    expect(await engine.metric('seat_changes_missed_total')).toBe(0);
    subscription.close();
  });

  it.each([1, 1_000])(
    'returns to the state of the database after a forged message with version %s',
    async (version) => {
      const { event, seatIds } = await engine.makeEvent(1);
      const [id] = seatIds;
      const { subscription, statuses } = await follow(engine.core, event.id);
      const forged = [{ id, status: 'SOLD', version }];
      await engine.redis.publish(
        `seats:changes:${engine.redis.options.db}:${event.id}`,
        JSON.stringify(forged),
      );
      await waitFor(() => statuses.get(id) === 'SOLD', { description: 'the forged message' });
      await other.holdSeats({ seatIds: [id], userId: 'ani' });
      await waitFor(() => statuses.get(id) === 'RESERVED', {
        description: 'the state of the database',
      });
      expect(subscription.snapshot().version).toBe(1);
      expect(engine.log.map(({ message }) => message)).toContain(
        'seats corrected: the database contradicts seat change messages',
      );
      subscription.close();
    },
  );

  it('ignores messages that are late, repeated, unreadable or about other seats', async () => {
    const { event, seatIds } = await engine.makeEvent(2);
    const { subscription, statuses } = await follow(engine.core, event.id);
    const [first, second] = seatIds;
    const publish = (message: unknown) =>
      engine.redis.publish(
        `seats:changes:${engine.redis.options.db}:${event.id}`,
        typeof message === 'string' ? message : JSON.stringify(message),
      );
    await other.holdSeats({ seatIds: [first], userId: 'ani' });
    await waitFor(() => statuses.get(first) === 'RESERVED', { description: 'the hold to arrive' });
    await publish([{ id: first, status: 'AVAILABLE', version: 0 }]);
    await publish([{ id: first, status: 'RESERVED', version: 1 }]);
    await publish('not JSON');
    await publish([{ id: first, status: 'LOST', version: 9 }]);
    await publish([{ id: event.id, status: 'SOLD', version: 9 }]);
    await other.holdSeats({ seatIds: [second!], userId: 'ani' });
    await waitFor(() => statuses.get(second!) === 'RESERVED', { description: 'the second hold' });
    expect([...statuses]).toEqual([
      [first, 'RESERVED'],
      [second, 'RESERVED'],
    ]);
    expect(engine.log.filter(({ level }) => level === 'warn')).toHaveLength(2);
    subscription.close();
  });

  it('shares one Redis channel and one comparison among subscriptions, until 3 s after the last one', async () => {
    const { event } = await engine.makeEvent(1);
    const subscribers = async () => {
      const reply = (await engine.redis.pubsub(
        'NUMSUB',
        `seats:changes:${engine.redis.options.db}:${event.id}`,
      )) as [string, number];
      return reply[1];
    };
    const subscriptions = await Promise.all(
      Array.from({ length: 5 }, () =>
        engine.core.subscribeToSeats({ eventId: event.id, onMessage: () => {} }),
      ),
    );
    expect(engine.statements.filter((name) => name === 'read-states')).toHaveLength(1);
    expect(await subscribers()).toBe(1);
    for (const subscription of subscriptions) subscription.close();
    // A subscription soon after the last one reads the seats of the event not again.
    using again = await engine.core.subscribeToSeats({ eventId: event.id, onMessage: () => {} });
    expect(engine.statements.filter((name) => name === 'count-seats-of-event')).toHaveLength(1);
    again.close();
    await waitFor(async () => (await subscribers()) === 0, { description: 'the channel to be left' });
  });

  it('refuses a subscription to an unknown event and to a malformed id', async () => {
    const unknown = { eventId: '01a20837-0fd0-711f-a732-a953a99d2e27', onMessage: () => {} };
    expect((await refusal(engine.core.subscribeToSeats(unknown))).code).toBe('EVENT_NOT_FOUND');
    expect((await refusal(engine.core.subscribeToSeats({ ...unknown, eventId: 'x' }))).code).toBe(
      'VALIDATION_FAILED',
    );
  });

  it('refuses 500 subscriptions to unknown events with fewer than five statements', async () => {
    await engine.makeEvent(1);
    const lookups = () => engine.statements.filter((name) => name === 'find-events').length;
    const before = lookups();
    const refusals = await Promise.all(
      Array.from({ length: 500 }, (_, index) => {
        const eventId = `01a20837-0fd0-711f-a732-${String(index).padStart(12, '0')}`;
        return refusal(engine.core.subscribeToSeats({ eventId, onMessage: () => {} }));
      }),
    );
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['EVENT_NOT_FOUND']));
    expect(lookups() - before).toBeGreaterThan(0);
    expect(lookups() - before).toBeLessThan(5);
  });
});

describe('subscribeToSeats while Redis is down', () => {
  let stack: PrivateStack;
  let core: SeatCore;
  let other: SeatCore;
  const registry = new Registry();

  beforeAll(async () => {
    stack = await createPrivateStack();
    const { serviceUrl: databaseUrl, redisUrl } = stack;
    core = await openSeatCore({ databaseUrl, redisUrl, registry });
    other = await openSeatCore({ databaseUrl, redisUrl });
  });
  afterAll(async () => {
    await other[Symbol.asyncDispose]();
    await core[Symbol.asyncDispose]();
    await stack.dispose();
  });

  it('gets changes from the database while Redis is down, and by messages after its return', async () => {
    const { id: eventId } = await core.createEvent({
      name: 'Recital',
      venue: 'Studio',
      startsAt: new Date(Date.now() + 86_400_000),
      sections: [{ name: 'S', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 6 }] }],
    });
    const { seats } = await core.listAvailableSeats({ eventId, limit: 6 });
    const { subscription, messages, statuses } = await follow(core, eventId);
    const holdAndAwait = async (index: number, how: string) => {
      const { id } = seats[index]!;
      await other.holdSeats({ seatIds: [id], userId: `user-${index}` });
      await waitFor(() => statuses.get(id) === 'RESERVED', { description: `the hold to arrive ${how}` });
    };

    await stack.redis.kill();
    await holdAndAwait(0, 'with Redis gone');
    expect(messages.at(-1)).toMatchObject({ type: 'delta' });

    await stack.redis.start();
    await waitFor(
      () => core.listDegradedDependencies().length === 0 && other.listDegradedDependencies().length === 0,
      {
        description: 'Redis to be used again',
      },
    );
    await holdAndAwait(1, 'with Redis back');

    await stack.redis.freeze();
    await holdAndAwait(2, 'with Redis frozen');
    await stack.redis.thaw();
    await waitFor(
      () => core.listDegradedDependencies().length === 0 && other.listDegradedDependencies().length === 0,
      {
        description: 'Redis to be used again',
      },
    );
    await holdAndAwait(3, 'with Redis thawed');
    subscription.close();
  });

  it('starts a subscription while Redis is down', async () => {
    await stack.redis.kill();
    await using alone = await openSeatCore({ databaseUrl: stack.serviceUrl, redisUrl: stack.redisUrl });
    const [event] = (await alone.listEvents()).events;
    const { statuses } = await follow(alone, event!.id);
    const [seat] = (await alone.listAvailableSeats({ eventId: event!.id })).seats;
    await alone.holdSeats({ seatIds: [seat!.id], userId: 'late' });
    await waitFor(() => statuses.has(seat!.id), { description: 'the hold to arrive' });
    expect(statuses.get(seat!.id)).toBe('RESERVED');
  });
});
