import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Seat } from '../../src/types.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

/* Every client of Redis can write every key. What seat-core could not have written decides nothing, and does not stay. */

let engine: TestEngine;
/** Has no time limit: 10 MB take their time. */
let neighbour: Redis;
beforeAll(async () => {
  engine = await openTestEngine();
  neighbour = new Redis(engine.redisUrl);
});
afterAll(async () => {
  neighbour.disconnect();
  await engine[Symbol.asyncDispose]();
});

const broken = () => engine.metric('available_seats_cache_total', { result: 'broken' });

/** A list as seat-core writes it. */
async function makeList(): Promise<{ eventId: string; key: string; list: Seat[] }> {
  const { event } = await engine.makeEvent(2);
  await engine.core.listAvailableSeats({ eventId: event.id });
  const key = `seats:available:${event.id}`;
  const list = JSON.parse((await engine.redis.get(key))!) as Seat[];
  return { eventId: event.id, key, list };
}

describe('a list of free seats in Redis', () => {
  const changed = (change: Record<string, unknown>) => (list: Seat[]) =>
    JSON.stringify(list.map((seat) => ({ ...seat, ...change })));

  it.each<[string, (list: Seat[]) => string]>([
    ['no JSON', () => '[{"id":'],
    ['an empty text', () => ''],
    ['an object', () => '{}'],
    ['null', () => 'null'],
    ['a list of numbers', () => '[1]'],
    ['a list of lists', () => '[[]]'],
    ['seats of another event', changed({ eventId: randomUUID() })],
    ['sold seats', changed({ status: 'SOLD' })],
    ['seats without a status', changed({ status: undefined })],
    ['a number as text', changed({ number: '1' })],
    ['an id that is none', changed({ id: '<script>' })],
    ['a price without currency', changed({ price: { amount: 1 } })],
    ['half a price', changed({ price: { amount: 0.5, currency: 'IDR' } })],
    ['a member more', changed({ discount: 1 })],
    ['201 seats', (list) => JSON.stringify(Array.from({ length: 201 }, () => list[0]))],
    ['a seat twice', (list) => JSON.stringify([list[0], list[0]])],
    ['a name of 1 MB', changed({ row: 'x'.repeat(1_000_000) })],
    ['1 MB of white space', (list) => JSON.stringify(list).padEnd(1_000_000, ' ')],
  ])('that is %s is deleted, counted and loaded again', async (_what, forge) => {
    const { eventId, key, list } = await makeList();
    const forged = forge(list);
    await neighbour.set(key, forged, 'PX', 1_000);
    const before = await broken();
    const { seats } = await engine.core.listAvailableSeats({ eventId });
    expect(seats.map(({ id }) => id).toSorted()).toEqual(list.map(({ id }) => id).toSorted());
    expect(await broken()).toBe(before + 1);
    expect(await neighbour.get(key)).not.toBe(forged);
  });

  it('that has no lifetime, or a longer one than a second, is deleted and counted', async () => {
    for (const lifetimeMs of [undefined, 60_000]) {
      const { eventId, key } = await makeList();
      await (lifetimeMs === undefined ? neighbour.persist(key) : neighbour.pexpire(key, lifetimeMs));
      const before = await broken();
      await engine.core.listAvailableSeats({ eventId });
      expect(await broken()).toBe(before + 1);
      expect(await neighbour.pttl(key)).toBeLessThanOrEqual(1_000);
      expect(await neighbour.pttl(key)).not.toBe(-1);
    }
  });

  it('that is a hash is deleted, whether it is the list of an event or that of all', async () => {
    for (const eventId of [undefined, (await makeList()).eventId]) {
      const key = `seats:available${eventId === undefined ? '' : `:${eventId}`}`;
      await neighbour.del(key);
      await neighbour.hset(key, 'some', 'thing');
      const before = await broken();
      const { seats } = await engine.core.listAvailableSeats(eventId === undefined ? {} : { eventId });
      expect(seats.length).toBeGreaterThan(0);
      expect(await broken()).toBe(before + 1);
    }
  });

  it('is loaded within two seconds where the key of its loader has no lifetime, and is no text', async () => {
    for (const forge of [
      (key: string) => neighbour.set(key, '1'),
      (key: string) => neighbour.hset(key, 'some', 'thing'),
    ]) {
      const { event } = await engine.makeEvent(2);
      const loader = `lock:seats:available:${event.id}`;
      await forge(loader);
      expect((await engine.core.listAvailableSeats({ eventId: event.id })).seats).toHaveLength(2);
      await waitFor(async () => (await neighbour.pttl(loader)) !== -1, {
        description: 'the key of the loader to get a lifetime',
        timeoutMs: 1_000,
      });
    }
  });
});

describe('the keys of a seat in Redis', () => {
  it('a status key or a lock of another type neither refuses the seat nor opens the circuit', async () => {
    const { seatIds } = await engine.makeEvent(2);
    await neighbour.hset(`status:seat:${seatIds[0]}`, 'some', 'thing');
    await neighbour.rpush(`lock:seat:${seatIds[1]}`, 'some');
    const held = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    expect(held.status).toBe('PENDING');
    expect(engine.core.listDegradedDependencies()).toEqual([]);
    await expect.poll(() => neighbour.get(`status:seat:${seatIds[0]}`)).toBe('RESERVED');
  });

  it('a lock without a lifetime refuses its seat for the lifetime of a lock, and not for ever', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const lock = `lock:seat:${seatIds[0]}`;
    await neighbour.set(lock, 'eve:forged');
    const { code } = await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }));
    expect(code).toBe('SEAT_LOCKED');
    await waitFor(async () => (await neighbour.pttl(lock)) !== -1, {
      description: 'the lock to get a lifetime',
      timeoutMs: 1_000,
    });
    expect(await neighbour.pttl(lock)).toBeLessThanOrEqual(5_000);
  });

  it('a status RESERVED without a lifetime refuses its free seat for the time of a hold, and not for ever', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const status = `status:seat:${seatIds[0]}`;
    await neighbour.set(status, 'RESERVED');
    // Not each refusal looks at the lifetime.
    const isLimited = async () => {
      const { code } = await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }));
      expect(code).toBe('SEAT_TAKEN');
      return (await neighbour.pttl(status)) !== -1;
    };
    await waitFor(isLimited, { description: 'the status key to get a lifetime', intervalMs: 5 });
    expect(await neighbour.pttl(status)).toBeLessThanOrEqual(120_000);
  });
});
