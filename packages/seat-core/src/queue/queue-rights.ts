import { ReplyError } from 'ioredis';
import { isNoPermission, isUnknownCommand, RedisSetupError } from '../redis/explain-error.ts';
import type { RedisClient } from '../redis/keys.ts';
import { describeRefused, type RefusedRight } from '../redis/rights.ts';

/** What a program does with the queue: add jobs, or also take them. */
export type QueueUse = 'add' | 'take';

/**
 * The commands inside BullMQ's scripts, each on one key that the script deletes before it ends: none is seen outside.
 * The first list is what adding a job needs, the second what taking and ending one needs beside it.
 */
const commands: Readonly<Record<QueueUse, string>> = {
  add: `
    try('HSET', key, 'f', '1') try('HMSET', key, 'f', '1') try('HGET', key, 'f') try('HMGET', key, 'f') try('EXISTS', key)
    try('DEL', key)
    try('ZADD', key, '1', 'm') try('ZRANGE', key, '0', '0') try('ZREVRANGEBYSCORE', key, '2', '0') try('ZSCORE', key, 'm')
    try('ZREM', key, 'm')
    try('INCR', key) try('DEL', key)
    try('LLEN', key)
    try('XADD', key, '*', 'f', '1') try('DEL', key)`,
  take: `
    try('SET', key, '1', 'PX', '1000') try('GET', key) try('PTTL', key) try('PEXPIRE', key, '1000') try('DEL', key)
    try('HINCRBY', key, 'f', '1') try('HEXISTS', key, 'f') try('HGETALL', key) try('HDEL', key, 'f')
    try('LPUSH', key, 'm', 'm') try('RPOPLPUSH', key, key) try('LRANGE', key, '0', '0') try('LINDEX', key, '0')
    try('LREM', key, '1', 'm') try('RPOP', key) try('DEL', key)
    try('SADD', key, 'm', 'n') try('SMEMBERS', key) try('SCARD', key) try('SREM', key, 'm') try('DEL', key)
    try('ZADD', key, '1', 'm') try('ZRANGEBYSCORE', key, '0', '2') try('ZCARD', key) try('ZCOUNT', key, '0', '2')
    try('ZPOPMIN', key)
    try('XADD', key, '*', 'f', '1') try('XTRIM', key, 'MAXLEN', '1') try('DEL', key)`,
};

const scriptOf = (use: QueueUse) => `
local key = KEYS[1]
local refused = {}
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = (...)
    refused[#refused + 1] = reply.err
  end
end
${commands.add}
${use === 'take' ? commands.take : ''}
return refused`;

/** The longest that BZPOPMIN waits on a key that does not exist. */
const blockSeconds = 0.01;

/**
 * Makes the question whether Redis lets this program use the queue: by a script, sent as BullMQ sends its own (EVALSHA,
 * and EVAL when Redis does not know the script yet).
 *
 * @returns throws RedisSetupError that names all that is refused; other errors as they are
 */
export function askForQueueRights({ connection, names }: RedisClient, use: QueueUse): () => Promise<void> {
  const key = names.queueProbe;
  const rule = `~${names.queuePrefix}:*`;
  const command = `seatCoreQueueRights:${use}`;
  connection.defineCommand(command, { numberOfKeys: 1, lua: scriptOf(use) });
  const run = (connection as unknown as Record<string, (key: string) => Promise<string[]>>)[command]!;

  /** The script itself may be refused, or commands in it. */
  const askByScript = async (): Promise<RefusedRight[]> => {
    try {
      const reply = await run.call(connection, key);
      return Array.from({ length: reply.length / 2 }, (_, index) => ({
        command: reply[2 * index]!,
        names: rule,
        reply: reply[2 * index + 1]!,
      }));
    } catch (error) {
      return ['EVAL', 'EVALSHA'].map((name) => asRefused(error, name));
    }
  };
  const askForBlocking = async (): Promise<RefusedRight[]> => {
    try {
      await connection.bzpopmin(`${key}:marker`, blockSeconds);
      return [];
    } catch (error) {
      return [asRefused(error, 'BZPOPMIN')];
    }
  };
  const asRefused = (error: unknown, commandName: string): RefusedRight => {
    if (!(error instanceof Error) || !(isNoPermission(error.message) || isUnknownCommand(error))) throw error;
    return { command: commandName, names: rule, reply: error.message };
  };

  return async () => {
    const replies = await askByScript();
    if (use === 'take') replies.push(...(await askForBlocking()));
    if (replies.length === 0) return;
    // Where DEL is refused, the key of one command is in the way of the next, whose reply tells nothing.
    const refused = replies.filter(({ reply }) => isNoPermission(reply) || /unknown/i.test(reply));
    if (refused.length > 0) throw new RedisSetupError(describeRefused(refused));
    // Such as READONLY.
    throw new (ReplyError as new (message: string) => Error)(replies[0]!.reply);
  };
}
