/** How many requests of a key were counted in its window, and how long the window lasts. */
export interface WindowCount {
  readonly count: number;
  readonly remainingMs: number;
}

/** Counts in windows of time: the window of a key begins with the first that is counted. */
export interface WindowCounter {
  readonly add: (key: string) => Promise<WindowCount>;
  /** Takes one back, unless the window has ended. */
  readonly giveBack: (key: string) => Promise<void>;
}

/** The part of an ioredis client that counting needs. */
export interface CounterRedis {
  readonly defineCommand: (name: string, definition: { numberOfKeys?: number; lua: string }) => void;
}

/** A key of the limits never stays without an end: that user would be refused for good. */
const lua = `
local step = tonumber(ARGV[2])
if step < 0 and tonumber(redis.call('GET', KEYS[1]) or 0) < 1 then return {0, 0} end
local count = redis.call('INCRBY', KEYS[1], step)
local remaining = redis.call('PTTL', KEYS[1])
if remaining < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  remaining = tonumber(ARGV[1])
end
return {count, remaining}
`;

interface CountingRedis {
  readonly countInWindow: (key: string, windowMs: number, step: 1 | -1) => Promise<[number, number]>;
}

/** Counts in Redis, for all processes together. */
export function createRedisCounter(
  client: CounterRedis,
  { namespace, windowMs }: { readonly namespace: string; readonly windowMs: number },
): WindowCounter {
  client.defineCommand('countInWindow', { numberOfKeys: 1, lua });
  const redis = client as CounterRedis & CountingRedis;
  return {
    async add(key) {
      const [count, remainingMs] = await redis.countInWindow(namespace + key, windowMs, 1);
      return { count, remainingMs };
    },
    async giveBack(key) {
      await redis.countInWindow(namespace + key, windowMs, -1);
    },
  };
}

/** Counts in this process. Beyond `maxKeys` it forgets the key whose window began first, and counts it from zero. */
export function createProcessCounter({
  windowMs,
  maxKeys,
}: {
  readonly windowMs: number;
  readonly maxKeys: number;
}): WindowCounter {
  const windows = new Map<string, { count: number; readonly endsAt: number }>();
  const current = (key: string) => {
    const window = windows.get(key);
    return window !== undefined && window.endsAt > performance.now() ? window : undefined;
  };
  return {
    add(key) {
      let window = current(key);
      if (window === undefined) {
        windows.delete(key);
        const [oldest] = windows.size < maxKeys ? [] : windows.keys();
        if (oldest !== undefined) windows.delete(oldest);
        window = { count: 0, endsAt: performance.now() + windowMs };
        windows.set(key, window);
      }
      window.count += 1;
      return Promise.resolve({ count: window.count, remainingMs: window.endsAt - performance.now() });
    },
    giveBack(key) {
      const window = current(key);
      if (window !== undefined && window.count > 0) window.count -= 1;
      return Promise.resolve();
    },
  };
}
