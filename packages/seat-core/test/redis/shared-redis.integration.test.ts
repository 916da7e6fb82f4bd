import { createTestDatabase, createTestRedis, makeEvent, waitFor } from '@ticketing/testkit';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { startExpiryWorker } from '../../src/expiry/worker.ts';
import { createExpiryQueue } from '../../src/queue/expiry-queue.ts';
import { anyone } from '../../src/records/ownership.ts';
import { withNames } from '../../src/redis/keys.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';

/* Two installations share one Redis. Their databases are copies, so the ids of their seats are the same. */

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Place {
  readonly redisUrl: string;
  readonly redisKeyPrefix: string;
}

async function openRedisDatabase(): Promise<string> {
  const redis = await createTestRedis();
  closers.push(() => redis.release());
  return redis.url;
}

async function openInstallation(databaseUrl: string, place: Place) {
  const core = await openSeatCore({ databaseUrl, ...place, holdSeconds: 1 });
  const redis = new Redis(place.redisUrl);
  const queue = createExpiryQueue(redis, place.redisKeyPrefix);
  closers.push(
    async () => redis.disconnect(),
    () => queue.close(),
    () => core.close(),
  );
  return { core, redis, queue, names: withNames(redis, place.redisKeyPrefix).names, place };
}

const places: Readonly<Record<string, () => Promise<readonly [Place, Place]>>> = {
  'in two databases': async () => [
    { redisUrl: await openRedisDatabase(), redisKeyPrefix: '' },
    { redisUrl: await openRedisDatabase(), redisKeyPrefix: '' },
  ],
  'in one database, by prefixes': async () => {
    const redisUrl = await openRedisDatabase();
    return [
      { redisUrl, redisKeyPrefix: 'production:' },
      { redisUrl, redisKeyPrefix: 'staging:' },
    ];
  },
};

describe.each(Object.entries(places))('two installations %s of one Redis', (_, open) => {
  it('see no live change, list, status key or job of each other', async () => {
    const database = await createTestDatabase();
    closers.push(() => database.drop());
    const [first, second] = await open();
    const production = await openInstallation(database.serviceUrl, first);
    const staging = await openInstallation(database.serviceUrl, second);
    const { eventId, seatIds } = await makeEvent(production.core, { seats: 6 });

    // Live: only the second follows, so a message of the first reaches no connection.
    const subscription = await staging.core.subscribeToSeats({ eventId, onMessage: () => undefined });
    const { redis } = production;
    expect(await redis.publish(production.names.seatChanges(eventId), '[]')).toBe(0);
    expect(await redis.publish(staging.names.seatChanges(eventId), '[]')).toBe(1);
    subscription.close();

    // Status keys and lists.
    await redis.set(production.names.status(seatIds[0]), 'SOLD');
    await redis.set(production.names.availableSeats(eventId), '[]', 'PX', 60_000);
    expect((await staging.core.listAvailableSeats({ eventId })).seats).toHaveLength(6);
    await staging.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });

    // Jobs: a worker of the second leaves the job of the first.
    const worker = await startExpiryWorker(staging.core, staging.place);
    closers.push(() => worker.stop());
    const held = await production.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'budi' });
    await waitFor(
      async () =>
        (await production.core.getBooking({ bookingId: held.id, ownedBy: anyone })).status === 'EXPIRED' &&
        (await production.queue.getDelayed()).some(({ delay, timestamp }) => timestamp + delay < Date.now()),
      { description: 'the hold to be overdue' },
    );
    expect(await production.queue.getJobCountByTypes('delayed', 'waiting')).toBe(1);
    expect(await staging.queue.getJob(`b-${held.id}`)).toBeUndefined();
  });
});

it('every key of an installation with a prefix begins with it', async () => {
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const place = { redisUrl: await openRedisDatabase(), redisKeyPrefix: 'hall-7/' };
  const { core, redis } = await openInstallation(database.serviceUrl, place);
  const worker = await startExpiryWorker(core, place);
  closers.push(() => worker.stop());
  const { eventId, seatIds } = await makeEvent(core, { seats: 4 });
  const keys = new Set<string>();
  const subscription = await core.subscribeToSeats({ eventId, onMessage: () => undefined });
  await core.listAvailableSeats({ eventId });
  await core.listAvailableSeats();
  const sold = await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
  await core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'ani' });
  const lapsed = await core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
  await waitFor(
    async () => {
      for (const key of await redis.keys('*')) keys.add(key);
      return (await core.getBooking({ bookingId: lapsed.id, ownedBy: anyone })).status === 'EXPIRED';
    },
    { description: 'the hold to end' },
  );
  const channels = (await redis.pubsub('CHANNELS', `*${eventId}`)) as string[];
  subscription.close();
  expect([...keys].some((key) => key.startsWith('{hall-7/bull}:ticket-cleanup:'))).toBe(true);
  expect([...keys]).toContain(`hall-7/status:seat:${seatIds[0]}`);
  expect([...keys].filter((key) => !/^\{?hall-7\//.test(key))).toEqual([]);
  expect(channels).toEqual([`hall-7/seats:changes:${redis.options.db}:${eventId}`]);
});

it.each(['a{b', 'a}', 'a b', 'ü', '\n', 'x'.repeat(65)])(
  'a key prefix that Redis or BullMQ could misread is refused: %j',
  async (redisKeyPrefix) => {
    const redis = new Redis({ lazyConnect: true });
    expect(() => withNames(redis, redisKeyPrefix)).toThrow(/redisKeyPrefix must be up to 64 visible ASCII/);
    await expect(
      openSeatCore({
        databaseUrl: 'postgres://127.0.0.1:1/x',
        redisUrl: 'redis://127.0.0.1:1',
        redisKeyPrefix,
      }),
    ).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  },
);
