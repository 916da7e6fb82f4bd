import { createPrivateStack, createTestRedis, waitFor } from '@ticketing/testkit';
import { closeRedis, openRedis } from '@ticketing/seat-core/clients';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../src/index.ts';
import { SharedCounter } from '../src/limits/shared-counter.ts';

type Redis = Awaited<ReturnType<typeof openRedis>>;

const max = 12;
const key = 'limit:user:ani';

async function connect(redisUrl: string): Promise<Redis> {
  const redis = await openRedis({ redisUrl });
  onTestFinished(() => closeRedis(redis));
  return redis;
}

/** The counter of one process. */
function createCounter(redis: Redis, options: { readonly windowMs?: number } = {}) {
  const logger = createLogger({ name: 'test', level: 'silent' });
  const counter = new SharedCounter({
    name: 'user',
    max,
    windowMs: 60_000,
    redis,
    keyPrefix: '',
    logger,
    ...options,
  });
  onTestFinished(() => counter.close());
  const admit = async (user = 'ani') => (await counter.add(user)).count <= max;
  return { counter, admit };
}

async function openDatabase(): Promise<string> {
  const { url, release } = await createTestRedis();
  onTestFinished(release);
  return url;
}

/** Counters of several processes, each on a connection of its own, and a client that looks. */
async function createCounters(count: number) {
  const url = await openDatabase();
  const redis = await connect(url);
  const clients = await Promise.all(Array.from({ length: count }, () => connect(url)));
  const isTold = (requests: number) =>
    waitFor(async () => (await redis.get(key)) === String(requests), { description: 'Redis to be told' });
  return { processes: clients.map((client) => createCounter(client)), redis, isTold };
}

const countTrue = (all: readonly boolean[]) => all.filter(Boolean).length;

it('three processes that a user meets at once admit half a limit each too many at most, and then nothing', async () => {
  const { processes, isTold } = await createCounters(3);
  const burst = Array.from({ length: 90 }, (_, n) => processes[n % 3]!.admit());
  const admitted = countTrue(await Promise.all(burst));
  expect(admitted).toBeGreaterThanOrEqual(max);
  expect(admitted).toBeLessThanOrEqual(max + (3 * max) / 2);
  await isTold(90);
  for (const { admit } of processes) expect(await admit()).toBe(false);
});

it('a process knows what the others have admitted as soon as it has told of its first request', async () => {
  const { processes, isTold } = await createCounters(3);
  for (const { admit } of processes.slice(0, 2)) {
    for (let n = 0; n < 5; n += 1) expect(await admit()).toBe(true);
  }
  await isTold(10);
  const { counter, admit } = processes[2]!;
  const { window } = await counter.add('ani');
  await waitFor(() => window.total === 11, { description: 'the process to be told' });
  expect(await admit()).toBe(true);
  expect(await admit()).toBe(false);
});

it('up to half of a limit no request waits for Redis, and the next one does', async () => {
  const { processes, isTold } = await createCounters(1);
  const { counter } = processes[0]!;
  for (let n = 1; n <= max / 2; n += 1) expect(counter.add('ani')).toMatchObject({ count: n });
  const asked = counter.add('ani');
  expect(asked).toBeInstanceOf(Promise);
  expect(await asked).toMatchObject({ count: max / 2 + 1 });
  await isTold(max / 2 + 1);
});

it('the window of a process ends when that of all processes ends', async () => {
  const { processes, redis, isTold } = await createCounters(2);
  await processes[0]!.admit();
  await isTold(1);
  await redis.pexpire(key, 5_000);
  const counted = await processes[1]!.counter.add('ani');
  expect(counted.window.endsAt - performance.now()).toBeGreaterThan(30_000);
  await waitFor(() => counted.window.total === 2, { description: 'the process to be told' });
  expect(counted.window.endsAt - performance.now()).toBeLessThanOrEqual(5_000);
});

it('a request that is given back before Redis is told of it never reaches Redis', async () => {
  const { processes, redis, isTold } = await createCounters(1);
  const { counter } = processes[0]!;
  const counted = await counter.add('shop');
  counter.giveBack(counted);
  await counter.add('ani');
  await isTold(1);
  expect(await redis.keys('*')).toEqual([key]);
});

it('a process that stops tells the others of its last requests', async () => {
  const { processes, redis } = await createCounters(1);
  const { counter, admit } = processes[0]!;
  await admit();
  await counter.close();
  expect(await redis.get(key)).toBe('1');
});

it('a process whose Redis is down goes on from the counts of the others that it knew', async () => {
  const stack = await createPrivateStack();
  onTestFinished(() => stack[Symbol.asyncDispose]());
  const [first, second] = [await connect(stack.redisUrl), await connect(stack.redisUrl)].map((client) =>
    createCounter(client),
  );
  for (let n = 0; n < 10; n += 1) expect(await first!.admit()).toBe(true);
  await second!.admit();
  const { window } = await second!.counter.add('ani');
  await waitFor(() => window.total === 12, { description: 'the process to be told' });
  await stack.redis.kill();
  expect(countTrue(await Promise.all(Array.from({ length: 20 }, () => second!.admit())))).toBe(0);
  expect(countTrue(await Promise.all(Array.from({ length: 20 }, () => first!.admit())))).toBe(2);
});

it('beyond 20,000 keys a process asks Redis for each request, and without Redis forgets the oldest key', async () => {
  const stack = await createPrivateStack();
  onTestFinished(() => stack[Symbol.asyncDispose]());
  const { counter } = createCounter(await connect(stack.redisUrl));
  for (let n = 0; n < 20_000; n += 1) expect(counter.add(`user-${n}`)).not.toBeInstanceOf(Promise);
  for (let n = 1; n <= 3; n += 1) {
    const counted = counter.add('ani');
    expect(counted).toBeInstanceOf(Promise);
    expect(await counted).toMatchObject({ count: n });
  }
  await stack.redis.kill();
  expect(await counter.add('budi')).toMatchObject({ count: 1 });
  for (let n = 1; n <= 3; n += 1) expect(await counter.add('citra')).toMatchObject({ count: n });
  expect(await counter.add('user-9')).toMatchObject({ count: 2 });
  expect(await counter.add('user-0')).toMatchObject({ count: 1 });
});
