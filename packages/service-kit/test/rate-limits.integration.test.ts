import {
  claimsOf,
  createPrivateStack,
  createTestRedis,
  deadlineFactor,
  signToken,
  waitFor,
} from '@ticketing/testkit';
import { closeRedis, openRedis } from '@ticketing/seat-core/clients';
import { Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { authentication } from '../src/auth/authentication.ts';
import { createTokenVerifier } from '../src/auth/token-verifier.ts';
import { addressLimit, userLimit, type LimitOptions } from '../src/limits/rate-limits.ts';
import { buildService } from './fixtures/build-service.ts';

const secret = 'correct horse battery staple, 2026';
const opened = 'circuit opened: each process counts its own requests for the rate limit';
type Redis = Awaited<ReturnType<typeof openRedis>>;

async function openStack() {
  const stack = await createPrivateStack();
  onTestFinished(() => stack[Symbol.asyncDispose]());
  return stack;
}

async function openDatabase(): Promise<string> {
  const { url, release } = await createTestRedis();
  onTestFinished(release);
  return url;
}

async function connect(redisUrl: string): Promise<Redis> {
  const redis = await openRedis({ redisUrl });
  onTestFinished(() => closeRedis(redis));
  return redis;
}

/** An API as one process of it would be, on a connection of its own. */
async function build(redis: Redis, limits: Partial<LimitOptions> = {}) {
  const built = buildService((app) => {
    const logger = app.log as LimitOptions['logger'];
    const options = { max: 2, staffMax: 50, windowSeconds: 60, redis, logger, ...limits };
    const tokens = createTokenVerifier({ kind: 'secret', secret }, { logger, registry: new Registry() });
    app.register(addressLimit, options);
    app.register(authentication, { tokens, logger });
    app.register(userLimit, options);
    app.post('/write', () => ({ done: true }));
  });
  onTestFinished(() => built.app.close());
  await built.app.ready();
  const send = async (user: string, ...roles: string[]): Promise<number> => {
    const authorization = `Bearer ${signToken(claimsOf(user, ...roles), { key: secret })}`;
    const answer = await built.app.inject({ method: 'POST', url: '/write', headers: { authorization } });
    return answer.statusCode;
  };
  return { ...built, send };
}
type Built = Awaited<ReturnType<typeof build>>;

async function buildTwo(limits?: Partial<LimitOptions>): Promise<{ apis: [Built, Built]; redis: Redis }> {
  const redisUrl = await openDatabase();
  const redis = await connect(redisUrl);
  return { apis: [await build(await connect(redisUrl), limits), await build(redis, limits)], redis };
}

async function passed(times: number, send: (n: number) => Promise<number>): Promise<number> {
  const statuses = await Promise.all(Array.from({ length: times }, (_, n) => send(n)));
  return statuses.filter((status) => status === 200).length;
}

it('two processes count a caller with a role together, at most half a limit of staff too many', async () => {
  const { apis } = await buildTwo();
  const count = await passed(80, (n) => apis[n % 2]!.send('shop', 'payments'));
  expect(count).toBeGreaterThanOrEqual(50);
  expect(count).toBeLessThanOrEqual(75);
  expect(await passed(10, (n) => apis[n % 2]!.send('shop', 'payments'))).toBe(0);
});

it('two processes give the address of a caller with a role its count back', async () => {
  const { apis, redis } = await buildTwo();
  expect(await passed(50, (n) => apis[n % 2]!.send('shop', 'payments'))).toBe(50);
  await waitFor(async () => (await redis.get('limit:address:127.0.0.1')) === '0', {
    description: 'the counts to be given back',
  });
  expect(await redis.pttl('limit:address:127.0.0.1')).toBeGreaterThan(0);
  const count = await passed(40, (n) => apis[n % 2]!.send(`user-${n}`));
  expect(count).toBeGreaterThanOrEqual(20);
  expect(count).toBeLessThanOrEqual(30);
});

it('every key of the limits begins with REDIS_KEY_PREFIX and has an end', async () => {
  const { apis, redis } = await buildTwo({ keyPrefix: 'staging:' });
  await apis[0].send('ani');
  await apis[0].send('shop', 'payments');
  const keys = await waitFor(
    async () => {
      const found = await redis.keys('*');
      return found.length === 3 ? found : undefined;
    },
    { description: 'Redis to be told' },
  );
  expect(keys.toSorted()).toEqual([
    'staging:limit:address:127.0.0.1',
    'staging:limit:staff:shop',
    'staging:limit:user:ani',
  ]);
  for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
});

it('a count that lost its end in Redis gets one again', async () => {
  const { apis, redis } = await buildTwo();
  await redis.set('limit:user:ani', '7');
  expect([await apis[0].send('ani'), await apis[0].send('ani')]).toEqual([200, 429]);
  expect(await redis.pttl('limit:user:ani')).toBeGreaterThan(0);
});

it('a count given back after its window leaves no key', async () => {
  const { apis, redis } = await buildTwo({ windowSeconds: 1 });
  await apis[0].send('shop', 'payments');
  await waitFor(async () => (await redis.dbsize()) === 0, { description: 'the windows to end' });
  await (redis as Redis & { countInWindows: (...all: unknown[]) => Promise<unknown> }).countInWindows(
    1,
    'limit:address:127.0.0.1',
    1_000,
    -1,
  );
  expect(await redis.dbsize()).toBe(0);
});

it.each(['killed', 'a read-only replica'])(
  'limits and counts given back hold in each process while Redis is %s',
  async (state) => {
    const stack = await openStack();
    const redis = await connect(stack.redisUrl);
    const { send, lines } = await build(redis);
    if (state === 'killed') await stack.redis.kill();
    else await redis.replicaof('127.0.0.1', 1);
    const startedAt = performance.now();
    expect(await passed(60, () => send('shop', 'payments'))).toBe(50);
    expect(await passed(5, () => send('ani'))).toBe(2);
    expect(await passed(40, (n) => send(`user-${n}`))).toBe(15);
    expect(performance.now() - startedAt).toBeLessThan(2_000 * deadlineFactor());
    const warnings = lines.filter(({ msg }) => msg === opened).map(({ limit }) => String(limit));
    expect(new Set(warnings)).toEqual(new Set(['address', 'staff', 'user']));
    expect(warnings).toHaveLength(3);
  },
);

it('the log says once that Redis does not count, and once that it does again', async () => {
  const stack = await openStack();
  const redis = await connect(stack.redisUrl);
  const { send, lines } = await build(redis, { max: 1_000, staffMax: 1_000 });
  const count = (text: string) => lines.filter(({ msg }) => msg.startsWith(text)).length;
  await redis.replicaof('127.0.0.1', 1);
  const startedAt = performance.now();
  // Long enough for two probes.
  await waitFor(async () => (await send('ani')) === 200 && performance.now() - startedAt > 2_500, {
    description: 'two probes of the circuit',
  });
  expect(count('circuit opened')).toBe(2);
  await redis.replicaof('NO', 'ONE');
  await waitFor(async () => (await send('ani')) === 200 && count('circuit closed') === 2, {
    description: 'the circuits to close',
  });
});

it('Redis does not count as late for a process that was busy while the answer came', async () => {
  const redis = await connect(await openDatabase());
  const busy = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...all: unknown[]) => {
        const result: unknown = value.apply(target, all);
        // Once the command is sent, and before its answer can be read.
        if (name === 'countInWindows') {
          setImmediate(() => {
            const until = performance.now() + 300;
            while (performance.now() < until);
          });
        }
        return result;
      };
    },
  });
  // A first request that is beyond half of the limit waits for Redis.
  const { send, lines } = await build(busy, { max: 1 });
  expect(await send('ani')).toBe(200);
  expect(lines.map(({ msg }) => msg)).not.toContain(opened);
});
