/** The part of an ioredis client that counting needs. */
export interface CounterRedis {
  readonly defineCommand: (name: string, definition: { numberOfKeys?: number; lua: string }) => void;
}

/** Counts in Redis, for all processes together. */
export interface RedisCounter {
  /**
   * Adds requests to a key, or takes some back.
   *
   * @param leftMs until the window ends, for a key without an end
   * @returns the requests of the key, and the milliseconds until its window ends
   */
  readonly add: (
    key: string,
    leftMs: number,
    step: number,
  ) => Promise<readonly [count: number, remainingMs: number]>;
}

/** A key of the limits never stays without an end: that user would be refused for good. */
const lua = `
local step = tonumber(ARGV[2])
if step < 0 then
  local counted = tonumber(redis.call('GET', KEYS[1]) or 0)
  if counted < 1 then return {0, 0} end
  step = math.max(step, -counted)
end
local count = redis.call('INCRBY', KEYS[1], step)
local remaining = redis.call('PTTL', KEYS[1])
if remaining < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  remaining = tonumber(ARGV[1])
end
return {count, remaining}
`;

interface CountingRedis {
  readonly countInWindow: (key: string, leftMs: number, step: number) => Promise<[number, number]>;
}

/** @param namespace stands before every key */
export function createRedisCounter(client: CounterRedis, namespace: string): RedisCounter {
  client.defineCommand('countInWindow', { numberOfKeys: 1, lua });
  const redis = client as CounterRedis & CountingRedis;
  return { add: async (key, leftMs, step) => redis.countInWindow(namespace + key, leftMs, step) };
}
