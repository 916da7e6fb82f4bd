/** The part of an ioredis client that counting needs. */
export interface CounterRedis {
  readonly defineCommand: (name: string, definition: { lua: string }) => void;
}

/** Requests to add to a key, or to take back. */
export interface CountStep {
  readonly key: string;
  /** Until the window ends, for a key without an end. */
  readonly leftMs: number;
  readonly step: number;
}

/** A key as Redis counted it. */
export interface CountedKey {
  readonly count: number;
  /** Milliseconds until its window ends. */
  readonly remainingMs: number;
}

/** Counts in Redis, for all processes together. */
export interface RedisCounter {
  /** @returns one answer per step, in their order */
  readonly add: (steps: readonly CountStep[]) => Promise<readonly CountedKey[]>;
}

/** A key of the limits never stays without an end: that user would be refused for good. */
const lua = `
local counts = {}
for i, key in ipairs(KEYS) do
  local left, step = ARGV[2 * i - 1], tonumber(ARGV[2 * i])
  if step < 0 then step = math.max(step, -math.max(0, tonumber(redis.call('GET', key) or 0))) end
  if step == 0 then
    counts[2 * i - 1], counts[2 * i] = 0, 0
  else
    counts[2 * i - 1] = redis.call('INCRBY', key, step)
    local remaining = redis.call('PTTL', key)
    if remaining < 0 then
      redis.call('PEXPIRE', key, left)
      remaining = tonumber(left)
    end
    counts[2 * i] = remaining
  end
end
return counts
`;

interface CountingRedis {
  readonly countInWindows: (keys: number, ...keysAndSteps: (string | number)[]) => Promise<number[]>;
}

/** @param namespace stands before every key */
export function createRedisCounter(client: CounterRedis, namespace: string): RedisCounter {
  client.defineCommand('countInWindows', { lua });
  const redis = client as CounterRedis & CountingRedis;
  return {
    add: async (steps) => {
      const keys = steps.map(({ key }) => namespace + key);
      const values = steps.flatMap(({ leftMs, step }) => [leftMs, step]);
      const counts = await redis.countInWindows(keys.length, ...keys, ...values);
      return steps.map((_, index) => ({ count: counts[2 * index]!, remainingMs: counts[2 * index + 1]! }));
    },
  };
}
