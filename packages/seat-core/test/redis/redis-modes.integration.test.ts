import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createTestDatabase,
  createTestFolder,
  makeEvent,
  removeTestFolder,
  startRedis,
  waitFor,
  withinDeadline,
  type RedisServer,
  type TestDatabase,
} from '@ticketing/testkit';
import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExpiryWorker } from '../../src/expiry/worker.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openSeatCore } from '../../src/open-seat-core.ts';
import { createRecordingLogger } from '../fixtures/recording-logger.ts';

/* A Redis that is there and refuses work, for a reason that a person must remove. */

let database: TestDatabase;
let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await createTestFolder();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => {
  await database.drop();
  await removeTestFolder(folder);
});

async function startPrivateRedis(
  settings: readonly string[] = [],
  { own = join(folder, randomUUID()), port }: { own?: string; port?: number } = {},
): Promise<RedisServer> {
  await mkdir(own, { recursive: true });
  const server = await startRedis({
    folder: own,
    logFile: join(own, 'redis.log'),
    persistent: false,
    databases: 4,
    settings,
    port,
  });
  closers.push(() => server.stop());
  return server;
}

async function openCore(redisUrl: string, options: { readonly queueRedisUrl?: null } = {}) {
  const { logger, lines } = createRecordingLogger();
  const core = await openSeatCore({
    databaseUrl: database.serviceUrl,
    redisUrl,
    logger,
    registry: new Registry(),
    databasePoolMax: 4,
    ...options,
  });
  closers.push(() => core.close());
  return { core, loud: () => lines.filter(({ level }) => level !== 'debug') };
}

async function sell(core: SeatCore): Promise<void> {
  const { seatIds } = await makeEvent(core, { seats: 2 });
  const { id } = await withinDeadline('a hold', 2_000, () => core.holdSeats({ seatIds, userId: 'ani' }));
  await withinDeadline('a confirmation', 2_000, () =>
    core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'ani' }),
  );
}

const addSlots = async (url: string) => {
  const redis = new Redis(url);
  await redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await waitFor(async () => /cluster_state:ok/.test((await redis.call('CLUSTER', 'INFO')) as string), {
    description: 'the cluster to have its slots',
  });
  redis.disconnect();
};
const inClusterMode =
  'Redis runs in cluster mode, which is not supported; use a Redis without cluster mode (cluster-enabled no).';

describe.each([
  ['all slots', true],
  ['no slot', false],
])('a Redis cluster with %s', (_, hasSlots) => {
  it('is refused at the start of engine and worker with one sentence', async () => {
    const redis = await startPrivateRedis(['cluster-enabled yes']);
    if (hasSlots) await addSlots(redis.url());
    const sentence = (variable: string) => inClusterMode.replace('Redis runs', `Redis at ${variable} runs`);
    await expect(openCore(redis.url())).rejects.toThrow(sentence('REDIS_URL'));
    await expect(openCore(redis.url(1))).rejects.toThrow(sentence('REDIS_URL'));
    const verbs = { expireBookings: () => Promise.reject(new Error('not called')) } as unknown as SeatCore;
    await expect(startExpiryWorker(verbs, { redisUrl: redis.url() })).rejects.toThrow(
      sentence('QUEUE_REDIS_URL'),
    );
  });

  it('that takes the place of a Redis is reported as degraded, and sales go on without errors', async () => {
    // The password belongs to the folder.
    const own = join(folder, randomUUID());
    const first = await startPrivateRedis([], { own });
    const url = first.url();
    const { core, loud } = await openCore(url);
    await sell(core);
    await first.stop();
    await startPrivateRedis(['cluster-enabled yes'], { own, port: first.port });
    if (hasSlots) await addSlots(url);
    await waitFor(
      () => {
        expect(core.listDegradedDependencies()).toEqual([
          {
            name: 'redis',
            status: 'misconfigured',
            detail: `${inClusterMode} PostgreSQL decides alone: sales go on, slower.`,
          },
          {
            name: 'queue',
            status: 'misconfigured',
            detail: `${inClusterMode} The sweep ends holds in place of their jobs.`,
          },
        ]);
        return true;
      },
      { description: 'the cluster to be reported' },
    );
    const { length: before } = loud();
    for (let round = 0; round < 5; round += 1) await sell(core);
    expect(loud().slice(before)).toEqual([]);
  });
});

const troubles: readonly (readonly [string, readonly string[], (url: URL) => void, RegExp])[] = [
  ['with another password', [], (url) => (url.password = 'wrong'), /refuses the user or the password/],
  [
    'whose URL lacks the password',
    [],
    (url) => (url.password = ''),
    /requires a password, and its URL has none|refuses the user or the password/,
  ],
  ['without the database of its URL', [], (url) => (url.pathname = '/99'), /no database of the number/],
  [
    'with a disabled EVAL',
    ['rename-command EVAL ""', 'rename-command EVALSHA ""'],
    () => undefined,
    /does not know EVAL/,
  ],
  ['with a renamed SET', ['rename-command SET STORE'], () => undefined, /does not know SET/],
  ['that speaks no TLS', [], (url) => (url.protocol = 'rediss:'), /does not answer the TLS handshake/],
];

describe.each(troubles)('a Redis %s', (title, settings, change, reason) => {
  // Adding a job needs no SET.
  const names = title.includes('SET') ? ['redis'] : ['redis', 'queue'];
  it('is reported with the reason, stops no sale, and is logged once', async () => {
    const redis = await startPrivateRedis(settings);
    const url = new URL(redis.url());
    change(url);
    const { core, loud } = await openCore(url.href);
    await waitFor(
      () => {
        const parts = core.listDegradedDependencies();
        expect(parts.map(({ name, status }) => `${name} ${status}`)).toEqual(
          names.map((name) => `${name} misconfigured`),
        );
        for (const { detail } of parts) expect(detail).toMatch(reason);
        return true;
      },
      { description: 'the reason to be reported' },
    );
    for (let round = 0; round < 5; round += 1) await sell(core);
    const lines = loud().map(
      ({ message, fields }) => `${message} ${(fields as { dependency: string }).dependency}`,
    );
    expect(lines.filter((line) => line.startsWith('circuit opened')).toSorted()).toEqual(
      names
        .toSorted()
        .map((name) => `circuit opened: work is refused at once until a probe succeeds ${name}`),
    );
    expect(lines.length).toBeLessThanOrEqual(6);
  });
});

it('a Redis with too many clients is reported as down, with the reason', async () => {
  const redis = await startPrivateRedis(['maxclients 10']);
  const others = Array.from({ length: 12 }, () => new Redis(redis.url(), { retryStrategy: () => null }));
  for (const other of others) {
    other.on('error', () => undefined);
    await other.ping().catch(() => undefined);
  }
  const { core } = await openCore(redis.url());
  await waitFor(
    () => {
      const parts = core.listDegradedDependencies();
      for (const { detail } of parts) expect(detail).toMatch(/too many.*maxclients/);
      return parts.length > 0;
    },
    { description: 'the reason to be reported' },
  );
  for (const other of others) other.disconnect();
  await waitFor(() => core.listDegradedDependencies().length === 0, { description: 'Redis to be used' });
});

it('a Redis user that may not subscribe is reported when a live feed opens, and the feed goes on', async () => {
  const redis = await startPrivateRedis();
  const admin = new Redis(redis.url());
  closers.push(async () => admin.disconnect());
  await admin.call('ACL', 'SETUSER', 'quiet', 'on', '>secret', '~*', '&*', '+@all', '-subscribe');
  const { core, loud } = await openCore(`redis://quiet:secret@127.0.0.1:${redis.port}/0`);
  const { eventId, seatIds } = await makeEvent(core, { seats: 2 });
  const seen: unknown[] = [];
  const subscription = await core.subscribeToSeats({
    eventId,
    onMessage: ({ seats }) => void seen.push(...seats),
  });
  expect(core.listDegradedDependencies()).toEqual([
    {
      name: 'redis',
      status: 'misconfigured',
      detail: expect.stringMatching(/may not run SUBSCRIBE.*Live viewers see changes/) as string,
    },
  ]);
  await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
  await waitFor(() => seen.length > 0, { description: 'the change to arrive' });
  const sent = Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1]);
  await admin.call('ACL', 'SETUSER', 'quiet', '+subscribe');
  await waitFor(() => core.listDegradedDependencies().length === 0, {
    description: 'the right to be noticed',
  });
  expect(Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1])).toBe(sent);
  expect(loud()).toEqual([]);
  subscription.close();
});
