import type { Redis } from 'ioredis';
import { compareAndDelete } from './compare-and-delete.ts';
import { commandOf, isNoPermission, isUnknownCommand, RedisSetupError } from './explain-error.ts';
import type { RedisNames } from './keys.ts';

/** A command on a reserved name that changes nothing, and the right on names that it needs beside its own. */
export interface RightsQuestion {
  readonly command: string;
  /** An ACL rule: `~status:seat:*` for keys, `&seats:changes:0:*` for channels. */
  readonly names: string;
  readonly ask: (redis: Redis) => Promise<unknown>;
}

/** All that locks, caches and change messages do, asked without an effect: nothing has these keys, or all have an end. */
export function lockAndCacheQuestions(names: RedisNames): readonly RightsQuestion[] {
  const { probe } = names;
  const question = (
    command: string,
    rule: string,
    ask: (redis: Redis) => Promise<unknown>,
  ): RightsQuestion => ({ command, names: rule, ask });
  const status = `~${names.status('*')}`;
  const lock = `~${names.seatLock('*')}`;
  const lists = `~${names.availableSeats(undefined)}*`;
  const loaders = `~${names.availableSeatsLoader(undefined)}*`;
  return [
    question('GET', lock, (redis) => redis.get(probe.seatLock)),
    question('MGET', status, (redis) => redis.mget(probe.status, probe.otherStatus)),
    question('SET', status, (redis) => redis.set(probe.status, '', 'XX')),
    question('DEL', status, (redis) => redis.del(probe.status)),
    question('SET', lock, (redis) => redis.set(probe.seatLock, '', 'EX', 1, 'XX', 'GET')),
    question('EVAL', lock, (redis) => redis.eval(compareAndDelete, 1, probe.seatLock, '')),
    question('PTTL', lists, (redis) => redis.pttl(names.availableSeats(undefined))),
    // NX gives a key an end that has none; these always have one.
    question('PEXPIRE', lists, (redis) => redis.pexpire(names.availableSeats(undefined), 1_000, 'NX')),
    question('DEL', lists, (redis) => redis.del(probe.availableSeats)),
    question('PEXPIRE', loaders, (redis) =>
      redis.pexpire(names.availableSeatsLoader(undefined), 1_000, 'NX'),
    ),
    question('DEL', loaders, (redis) => redis.del(probe.availableSeatsLoader)),
    question('PUBLISH', `&${names.seatChanges('*')}`, (redis) => redis.publish(probe.seatChanges, '[]')),
  ];
}

/** Sent together, so they cost one round trip. @throws RedisSetupError that names all that is refused; other errors as they are */
export async function requireRights(redis: Redis, questions: readonly RightsQuestion[]): Promise<void> {
  const refused = await findRefused(redis, questions);
  if (refused.length > 0) throw new RedisSetupError(describeRefused(refused));
}

/** A question that Redis refused, and its reply. */
export interface RefusedRight {
  readonly command: string;
  readonly names: string;
  readonly reply: string;
}

/** @throws the first error that is no refusal of a command, a key or a channel */
async function findRefused(redis: Redis, questions: readonly RightsQuestion[]): Promise<RefusedRight[]> {
  const replies = await Promise.allSettled(questions.map(({ ask }) => ask(redis)));
  return replies.flatMap((reply, index) => {
    if (reply.status === 'fulfilled') return [];
    const error: unknown = reply.reason;
    if (!isRefusedRight(error)) throw error;
    const { command, names } = questions[index]!;
    return [{ command, names, reply: (error as Error).message }];
  });
}

function isRefusedRight(error: unknown): boolean {
  return error instanceof Error && (isNoPermission(error.message) || isUnknownCommand(error));
}

/** `The Redis user may not run SET (NOPERM); grant +set.` */
export function describeRefused(refused: readonly RefusedRight[]): string {
  const commands = new Set<string>();
  const unknown = new Set<string>();
  const names = new Set<string>();
  for (const { command, names: rule, reply } of refused) {
    if (/permissions to access.*\b(keys?|channels?)\b/i.test(reply)) names.add(rule);
    else if (!isNoPermission(reply)) unknown.add(command);
    // EVAL itself is granted when the reply is about a command in its script, which has a question of its own.
    else if (command !== 'EVAL' || !/executing the script|in script/.test(reply)) commands.add(command);
  }
  if (commands.size + unknown.size + names.size === 0)
    for (const { command } of refused) commands.add(command);
  const may = [
    ...(commands.size > 0 ? [`run ${[...commands].join(', ')}`] : []),
    ...(names.size > 0 ? [`use ${[...names].map((rule) => rule.slice(1)).join(', ')}`] : []),
  ].join(' nor ');
  const grants = [...[...commands].map((command) => `+${command.toLowerCase()}`), ...names].join(' ');
  return [
    ...(may === '' ? [] : [`The Redis user may not ${may} (NOPERM); grant ${grants}.`]),
    ...(unknown.size === 0
      ? []
      : [`Redis does not know ${[...unknown].join(', ')}: renamed, or disabled (rename-command).`]),
  ].join(' ');
}

/** The refusal of one command that has no question of its own, such as INFO. */
export function describeRefusal(error: unknown): string {
  const reply = (error as Error).message;
  return describeRefused([{ command: commandOf(error), names: '~*', reply }]);
}
