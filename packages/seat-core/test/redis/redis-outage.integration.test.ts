import {
  createPrivateStack,
  makeEvent,
  waitFor,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/testkit';
import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics.ts';
import { silentLogger } from '../../src/options.ts';
import { anyone } from '../../src/records/ownership.ts';
import { closeRedis, openRedis } from '../../src/redis/connect.ts';
import { createRedisBreaker } from '../../src/redis/health.ts';
import { withNames } from '../../src/redis/keys.ts';
import { SeatLocks } from '../../src/redis/seat-lock.ts';
import { Background } from '../../src/resilience/background.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';
import { openSlowProxy, type SlowProxy } from '../fixtures/slow-proxy.ts';

/* Sales, health and repair in every kind of outage of Redis. */

let stack: PrivateStack;
let proxy: SlowProxy;
let redisUrl: string;
let admin: Redis;
const opened: SeatCore[] = [];

beforeAll(async () => {
  stack = await createPrivateStack();
  proxy = await openSlowProxy(stack.redis.port);
  redisUrl = stack.redisUrl.replace(`:${stack.redis.port}`, `:${proxy.port}`);
  admin = new Redis(stack.redisUrl, { retryStrategy: () => 50 });
  admin.on('error', () => undefined);
});
afterEach(async () => {
  for (const core of opened.splice(0)) await core.close();
});
afterAll(async () => {
  admin.disconnect();
  await proxy[Symbol.asyncDispose]();
  await stack.dispose();
});

async function openCore() {
  const registry = new Registry();
  const core = await openSeatCore({
    databaseUrl: stack.serviceUrl,
    redisUrl,
    registry,
    databasePoolMax: 4,
  });
  opened.push(core);
  return { core, metrics: () => registry.metrics() };
}

const degraded = (core: SeatCore) => core.listDegradedDependencies().map(({ name }) => name);
const statusKey = (seatId: string) => `status:seat:${seatId}`;

const outages = {
  'that is frozen': { begin: () => stack.redis.freeze(), end: () => stack.redis.thaw() },
  'that is dead, and comes back empty': { begin: () => stack.redis.kill(), end: () => stack.redis.start() },
  'that is full': {
    begin: () => admin.config('SET', 'maxmemory', '1'),
    end: () => admin.config('SET', 'maxmemory', '0'),
  },
  'that fails over: a replica without a master, then an empty master': {
    begin: () => admin.replicaof('127.0.0.1', 1),
    end: async () => {
      await admin.replicaof('NO', 'ONE');
      await admin.flushall();
    },
  },
  'whose every answer takes 200 ms': {
    begin: async () => void (proxy.delayMs = 200),
    end: async () => void (proxy.delayMs = 0),
  },
};

describe.each(Object.entries(outages))('a Redis %s', (_, outage) => {
  it('stops no sale, is reported as down, and has a correct cache soon after it is back', async () => {
    const { core, metrics } = await openCore();
    const made = await makeEvent(core, { seats: 21 });
    const [released, ...seatIds] = made.seatIds;
    const early = await core.holdSeats({ seatIds: [released], userId: 'ani' });
    await waitFor(() => degraded(core).length === 0, { description: 'all to be up' });
    const freeSeats = async () => {
      const { seats } = await core.listAvailableSeats({ eventId: early.eventId, limit: 100 });
      return seats.map(({ id }) => id).toSorted();
    };

    const sell = async (seatId: string) => {
      const { id } = await withinDeadline('a hold', 2_000, () =>
        core.holdSeats({ seatIds: [seatId], userId: 'budi' }),
      );
      await withinDeadline('a confirmation', 2_000, () =>
        core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'budi' }),
      );
    };
    expect(await freeSeats()).toEqual(seatIds.toSorted());
    await outage.begin();
    try {
      // Two sales as the outage begins, the others when it is noticed.
      await sell(seatIds[0]!);
      await sell(seatIds[1]!);
      await waitFor(() => degraded(core).includes('redis'), { description: 'the outage to be noticed' });
      for (let start = 2; start < 15; start += 3)
        await Promise.all(seatIds.slice(start, Math.min(15, start + 3)).map(sell));
      await core.releaseBooking({ bookingId: early.id, ownedBy: anyone, actor: 'ani' });
      const { seats } = await withinDeadline('a list of free seats', 2_000, () => core.listAvailableSeats());
      expect(seats).not.toHaveLength(0);
      expect(await metrics()).toContain('redis_circuit_open{part="redis"} 1');
    } finally {
      await outage.end();
    }
    await waitFor(() => degraded(core).length === 0, {
      description: 'Redis to be used again',
      timeoutMs: 3_000,
    });
    const [sold, free] = [seatIds.slice(0, 15), seatIds.slice(15)];
    await waitFor(
      async () => {
        expect(await admin.mget(sold.map(statusKey))).toEqual(sold.map(() => 'SOLD'));
        expect(await admin.get(statusKey(released))).toBeNull();
        expect(await freeSeats()).toEqual([released, ...free].toSorted());
        return true;
      },
      { description: 'status keys and list of free seats to be correct', timeoutMs: 2_000 },
    );
    expect(await metrics()).toContain('redis_circuit_open{part="redis"} 0');
    const booking = await core.holdSeats({ seatIds: seatIds.slice(15, 16), userId: 'ani' });
    expect(await admin.get(statusKey(seatIds[15]!))).toBe('RESERVED');
    expect(await admin.exists(`{bull}:ticket-cleanup:b-${booking.id}`)).toBe(1);
  });
});

it('an engine that starts without Redis sells, and uses Redis when it is there', async () => {
  await stack.redis.kill();
  const { core } = await withinDeadline('the start', 3_000, openCore);
  const { seatIds } = await makeEvent(core, { seats: 2 });
  await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
  expect(degraded(core)).toEqual(['redis', 'queue']);
  await stack.redis.start();
  await waitFor(() => degraded(core).length === 0, {
    description: 'Redis to be used',
    timeoutMs: 3_000,
  });
  const booking = await core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
  expect(await admin.exists(`{bull}:ticket-cleanup:b-${booking.id}`)).toBe(1);
  await waitFor(async () => (await admin.get(statusKey(seatIds[0]))) === 'RESERVED', {
    description: 'the hold made without Redis to have its key',
    timeoutMs: 2_000,
  });
});

it('an engine starts and closes in time while Redis is frozen', async () => {
  await stack.redis.freeze();
  try {
    const { core } = await withinDeadline('the start', 3_000, openCore);
    await waitFor(() => degraded(core).length === 2, { description: 'the outage to be noticed' });
    const end = async () => opened.pop()?.close();
    await expect(withinDeadline('the end', 3_000, end)).resolves.toBeUndefined();
  } finally {
    await stack.redis.thaw();
  }
});

it('a seat lock whose answer was lost is released', async () => {
  const redis = await openRedis({ redisUrl: stack.redisUrl });
  const shared = { metrics: createMetrics(), logger: silentLogger };
  const breaker = createRedisBreaker(withNames(redis), { ...shared, onClosed: () => Promise.resolve() });
  const background = new Background(silentLogger);
  await stack.redis.freeze();
  try {
    const locks = new SeatLocks({ ...shared, redis: breaker, background, seatLockSeconds: 60 });
    const lease = await locks.tryLock({ seatIds: ['a', 'b'], userId: 'ani', keyTag: '' });
    if (typeof lease === 'string') throw new Error(`the seats are ${lease}`);
    await lease.release();
  } finally {
    await stack.redis.thaw();
  }
  await waitFor(() => !breaker.isOpen, { description: 'Redis to be used again' });
  await background.finished();
  expect(await admin.exists('lock:seat:a', 'lock:seat:b')).toBe(0);
  breaker.stop();
  await closeRedis(redis);
});

it('a queue on a Redis that deletes keys when it is full is reported as misconfigured', async () => {
  const { core } = await openCore();
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await waitFor(() => degraded(core).includes('queue'), { description: 'the policy to be noticed' });
  expect(core.listDegradedDependencies()).toEqual([
    {
      name: 'queue',
      status: 'misconfigured',
      detail: expect.stringMatching(/maxmemory-policy allkeys-lru.*must be noeviction/) as string,
    },
  ]);
  await admin.config('SET', 'maxmemory-policy', 'noeviction');
  await waitFor(() => degraded(core).length === 0, { description: 'the right policy to be noticed' });
});

it('a status key of another type refuses no hold and is no outage', async () => {
  const { core } = await openCore();
  const { seatIds } = await makeEvent(core, { seats: 1 });
  const [seatId] = seatIds;
  await admin.hset(statusKey(seatId), 'a', 'b');
  await core.holdSeats({ seatIds: [seatId], userId: 'ani' });
  expect(degraded(core)).toEqual([]);
});
