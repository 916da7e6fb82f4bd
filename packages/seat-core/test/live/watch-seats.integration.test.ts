import { execFileSync } from 'node:child_process';
import { createPrivateStack, waitFor, type PrivateStack } from '@ticketing/testkit';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openSeatCore } from '../../src/open-seat-core.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import type { SeatsUpdate } from '../../src/live/seat-watcher.ts';
import type { SeatWatch } from '../../src/live/watch-seats.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

/** Keeps what a watcher is told, and the picture of the hall that follows from it. */
async function follow(core: SeatCore, eventId: string) {
  const updates: SeatsUpdate[] = [];
  const picture = new Map<string, string>();
  const take = (update: SeatsUpdate) => {
    updates.push(update);
    if (update.type === 'snapshot') picture.clear();
    for (const { id, status } of update.seats) picture.set(id, status);
  };
  const watch: SeatWatch = await core.watchSeats({ eventId, onUpdate: take });
  take(watch.snapshot());
  return { watch, updates, picture, take };
}

const types = (updates: readonly SeatsUpdate[]) => updates.map(({ type }) => type);

describe('whoever watches the seats of an event', () => {
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

  it('is told which are not free, and then of each change by whatever process', async () => {
    const { event, seatIds } = await engine.createHall(4);
    const [first, second] = seatIds;
    const sold = await other.holdSeats({ seatIds: [first], userId: 'ani' });
    await other.confirmBooking({ bookingId: sold.id, actor: 'test' });

    const { watch, updates, picture } = await follow(engine.core, event.id);
    expect(updates).toEqual([{ type: 'snapshot', version: 2, seats: [{ id: first, status: 'SOLD' }] }]);

    const held = await other.holdSeats({ seatIds: [second!], userId: 'budi' });
    await waitFor(() => picture.get(second!) === 'RESERVED', { description: 'the hold to be told' });
    await other.releaseBooking({ bookingId: held.id, actor: 'test' });
    await waitFor(() => picture.get(second!) === 'AVAILABLE', { description: 'the release to be told' });
    expect(new Set(types(updates.slice(1)))).toEqual(new Set(['changes']));
    watch[Symbol.dispose]();
  });

  it('is told of many changes in few updates, each seat once', async () => {
    const { event, seatIds } = await engine.createHall(60);
    const { watch, updates, picture } = await follow(engine.core, event.id);
    const startedAt = performance.now();
    await Promise.all(
      seatIds.map((seatId, index) => other.holdSeats({ seatIds: [seatId], userId: `user-${index}` })),
    );
    await waitFor(() => picture.size === seatIds.length, { description: 'all changes to be told' });
    const ticks = Math.ceil((performance.now() - startedAt) / 100) + 1;
    expect(updates.length - 1).toBeLessThanOrEqual(ticks);
    for (const { seats } of updates) expect(new Set(seats.map(({ id }) => id)).size).toBe(seats.length);
    watch[Symbol.dispose]();
  });

  it('is not told again before it has dealt with an update', async () => {
    const { event, seatIds } = await engine.createHall(3);
    const told: SeatsUpdate[] = [];
    let done = () => {};
    const watch = await engine.core.watchSeats({
      eventId: event.id,
      onUpdate: (update) => {
        told.push(update);
        return new Promise((resolve) => (done = resolve));
      },
    });
    await other.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await waitFor(() => told.length === 1, { description: 'the first update' });
    await other.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await other.holdSeats({ seatIds: [seatIds[2]!], userId: 'ani' });
    await waitFor(() => watch.snapshot().seats.length === 3, { description: 'both to be known' });
    expect(told).toHaveLength(1);
    done();
    await waitFor(() => told.length === 2, { description: 'the second update' });
    expect(told[1]).toMatchObject({ type: 'changes', seats: { length: 2 } });
    watch[Symbol.dispose]();
    done();
  });

  it('is sent a new snapshot within 2 s when a message was lost', async () => {
    const { event, seatIds } = await engine.createHall(2);
    const { watch, updates, picture } = await follow(engine.core, event.id);
    const lostAt = performance.now();
    await engine.pool.query("update seats set status = 'RESERVED', version = version + 1 where id = $1", [
      seatIds[0],
    ]);
    await waitFor(() => picture.get(seatIds[0]) === 'RESERVED', { description: 'the lost change' });
    expect(updates.at(-1)).toEqual({
      type: 'snapshot',
      version: 1,
      seats: [{ id: seatIds[0], status: 'RESERVED' }],
    });
    expect(performance.now() - lostAt).toBeLessThan(2_500);
    expect(await engine.metric('seat_changes_missed_total')).toBe(1);
    watch[Symbol.dispose]();
  });

  it('is not sent a snapshot for messages that this process had no time to read', async () => {
    const { event, seatIds } = await engine.createHall(1);
    const [id] = seatIds;
    const { watch, updates, picture } = await follow(engine.core, event.id);
    await engine.pool.query("update seats set status = 'RESERVED', version = version + 1 where id = $1", [
      id,
    ]);
    const comparisons = () => engine.statements.filter((name) => name === 'read-states').length;
    const before = comparisons();
    await waitFor(() => comparisons() > before, { description: 'the comparison that finds it' });
    await engine.core.ping();
    // Everything here stands still until the message lies in its socket, and its time of grace is over.
    const standsStillUntil = performance.now() + 800;
    const { host = '', port = 0, username, password } = engine.redis.options;
    const publish = `import { Redis } from 'ioredis';
const redis = new Redis(${JSON.stringify({ host, port, username, password })});
await redis.publish('seats:changes:${event.id}', '${JSON.stringify([{ id, status: 'RESERVED', version: 1 }])}');
redis.disconnect();`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', publish], { cwd: import.meta.dirname });
    const restMs = Math.max(0, standsStillUntil - performance.now());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, restMs);

    await waitFor(() => picture.get(id) === 'RESERVED', { description: 'the change to be told' });
    expect(types(updates)).toEqual(['snapshot', 'changes']);
    expect(await engine.metric('seat_changes_missed_total')).toBe(0);
    watch[Symbol.dispose]();
  });

  it.each([1, 1_000])(
    'is told what the database says, whatever a forged version %s said',
    async (version) => {
      const { event, seatIds } = await engine.createHall(1);
      const [id] = seatIds;
      const { watch, picture } = await follow(engine.core, event.id);
      const forged = [{ id, status: 'SOLD', version }];
      await engine.redis.publish(`seats:changes:${event.id}`, JSON.stringify(forged));
      await waitFor(() => picture.get(id) === 'SOLD', { description: 'the forged message' });
      await other.holdSeats({ seatIds: [id], userId: 'ani' });
      await waitFor(() => picture.get(id) === 'RESERVED', {
        description: 'the database to have the last word',
      });
      expect(watch.snapshot().version).toBe(1);
      expect(engine.log.map(({ message }) => message)).toContain('seats were not as change messages said');
      watch[Symbol.dispose]();
    },
  );

  it('is not misled by messages that are late, repeated, forged or about other events', async () => {
    const { event, seatIds } = await engine.createHall(2);
    const { watch, picture } = await follow(engine.core, event.id);
    const [first, second] = seatIds;
    const say = (message: unknown) =>
      engine.redis.publish(
        `seats:changes:${event.id}`,
        typeof message === 'string' ? message : JSON.stringify(message),
      );
    await other.holdSeats({ seatIds: [first], userId: 'ani' });
    await waitFor(() => picture.get(first) === 'RESERVED', { description: 'the hold to be told' });
    await say([{ id: first, status: 'AVAILABLE', version: 0 }]);
    await say([{ id: first, status: 'RESERVED', version: 1 }]);
    await say('not JSON');
    await say([{ id: first, status: 'LOST', version: 9 }]);
    await say([{ id: event.id, status: 'SOLD', version: 9 }]);
    await other.holdSeats({ seatIds: [second!], userId: 'ani' });
    await waitFor(() => picture.get(second!) === 'RESERVED', { description: 'the second hold' });
    expect([...picture]).toEqual([
      [first, 'RESERVED'],
      [second, 'RESERVED'],
    ]);
    expect(engine.log.filter(({ level }) => level === 'warn')).toHaveLength(2);
    watch[Symbol.dispose]();
  });

  it('shares one subscription and one comparison with others, until the last one is gone for good', async () => {
    const { event } = await engine.createHall(1);
    const subscribers = async () => {
      const reply = (await engine.redis.pubsub('NUMSUB', `seats:changes:${event.id}`)) as [string, number];
      return reply[1];
    };
    const watches = await Promise.all(
      Array.from({ length: 5 }, () => engine.core.watchSeats({ eventId: event.id, onUpdate: () => {} })),
    );
    expect(engine.statements.filter((name) => name === 'read-states')).toHaveLength(1);
    expect(await subscribers()).toBe(1);
    for (const watch of watches) watch[Symbol.dispose]();
    // Whoever comes again at once, and as often as they like, costs no other reading of the whole hall.
    using again = await engine.core.watchSeats({ eventId: event.id, onUpdate: () => {} });
    expect(engine.statements.filter((name) => name === 'read-seat-ids')).toHaveLength(1);
    again[Symbol.dispose]();
    await waitFor(async () => (await subscribers()) === 0, { description: 'nobody to be subscribed' });
  });

  it('is refused what does not exist', async () => {
    const unknown = { eventId: '01a20837-0fd0-711f-a732-a953a99d2e27', onUpdate: () => {} };
    expect((await refusal(engine.core.watchSeats(unknown))).code).toBe('EVENT_NOT_FOUND');
    expect((await refusal(engine.core.watchSeats({ ...unknown, eventId: 'x' }))).code).toBe(
      'VALIDATION_FAILED',
    );
  });

  it('is refused by few statements, however many ask for events that do not exist', async () => {
    await engine.createHall(1);
    const asked = () => engine.queries.filter((text) => text.includes('from "events"')).length;
    const before = asked();
    const refusals = await Promise.all(
      Array.from({ length: 500 }, (_, index) => {
        const eventId = `01a20837-0fd0-711f-a732-${String(index).padStart(12, '0')}`;
        return refusal(engine.core.watchSeats({ eventId, onUpdate: () => {} }));
      }),
    );
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['EVENT_NOT_FOUND']));
    expect(asked() - before).toBeGreaterThan(0);
    expect(asked() - before).toBeLessThan(5);
  });
});

describe('while Redis is away', () => {
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

  it('changes come from the database, and by messages again once it is back', async () => {
    const { id: eventId } = await core.createEvent({
      name: 'Recital',
      venue: 'Small Hall',
      startsAt: new Date(Date.now() + 86_400_000),
      sections: [{ name: 'S', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 6 }] }],
    });
    const { seats } = await core.listAvailableSeats({ eventId, limit: 6 });
    const { watch, updates, picture } = await follow(core, eventId);
    const holdAndAwait = async (index: number, how: string) => {
      const { id } = seats[index]!;
      await other.holdSeats({ seatIds: [id], userId: `user-${index}` });
      await waitFor(() => picture.get(id) === 'RESERVED', { description: `the hold to be told ${how}` });
    };

    await stack.redis.kill();
    await holdAndAwait(0, 'with Redis gone');
    expect(updates.at(-1)).toMatchObject({ type: 'changes' });

    await stack.redis.start();
    await waitFor(() => core.listFaultyParts().length === 0 && other.listFaultyParts().length === 0, {
      description: 'Redis to be used again',
    });
    await holdAndAwait(1, 'with Redis back');

    await stack.redis.freeze();
    await holdAndAwait(2, 'with Redis frozen');
    await stack.redis.thaw();
    await waitFor(() => core.listFaultyParts().length === 0 && other.listFaultyParts().length === 0, {
      description: 'Redis to be used again',
    });
    await holdAndAwait(3, 'with Redis thawed');
    watch[Symbol.dispose]();
  });

  it('watching begins all the same', async () => {
    await stack.redis.kill();
    await using alone = await openSeatCore({ databaseUrl: stack.serviceUrl, redisUrl: stack.redisUrl });
    const [event] = (await alone.listEvents()).events;
    const { picture } = await follow(alone, event!.id);
    const [seat] = (await alone.listAvailableSeats({ eventId: event!.id })).seats;
    await alone.holdSeats({ seatIds: [seat!.id], userId: 'late' });
    await waitFor(() => picture.has(seat!.id), { description: 'the hold to be told' });
    expect(picture.get(seat!.id)).toBe('RESERVED');
  });
});
