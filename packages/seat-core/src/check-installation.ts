import type { Redis } from 'ioredis';
import { check, refused, warned, type InstallationCheck } from './installation.ts';
import { checkPostgres } from './postgres/check-postgres.ts';
import { checkReplica } from './postgres/check-replica.ts';
import type { Database } from './postgres/pool.ts';
import { readClockStatement } from './postgres/server.sql.ts';
import { runStatement } from './postgres/statement.ts';
import { checkQueue } from './queue/check-queue.ts';
import { checkRedis } from './redis/check-redis.ts';
import { withNames } from './redis/keys.ts';
import { withDeadline } from './resilience/deadline.ts';

/** The clients of an installation. Whether their servers answer is a part of the question. */
export interface InstallationStores {
  readonly database: Database;
  readonly replica?: Database | undefined;
  readonly redis: Redis;
  readonly queueRedis?: Redis | undefined;
  readonly redisKeyPrefix?: string | undefined;
}

interface Question {
  readonly part: InstallationCheck['part'];
  readonly ask: (stores: InstallationStores) => Promise<InstallationCheck[]>;
}

/** In the order of the table. Each question belongs to the folder of its store. */
const questions: readonly Question[] = [
  { part: 'postgresql', ask: ({ database }) => checkPostgres(database) },
  {
    part: 'replica',
    ask: async ({ database, replica }) => (replica === undefined ? [] : checkReplica(database, replica)),
  },
  { part: 'redis', ask: ({ redis, redisKeyPrefix }) => checkRedis(withNames(redis, redisKeyPrefix)) },
  {
    part: 'queue',
    ask: async ({ queueRedis, redisKeyPrefix }) =>
      queueRedis === undefined ? [] : checkQueue(withNames(queueRedis, redisKeyPrefix)),
  },
  { part: 'clock', ask: checkClocks },
];

const questionLimitMs = 6_000;

/** What this installation really gives: every question side by side. @see SeatCore.checkInstallation */
export async function checkInstallation(stores: InstallationStores): Promise<InstallationCheck[]> {
  const answers = await Promise.all(
    questions.map(({ part, ask }) =>
      withDeadline(part, questionLimitMs, ask(stores)).catch((error: unknown) => [explain(part, error)]),
    ),
  );
  return answers.flat();
}

/** Without PostgreSQL no service starts; without the others it does. */
function explain(part: InstallationCheck['part'], error: unknown): InstallationCheck {
  const value = `no answer: ${error instanceof Error ? error.message : String(error)}`;
  const advice =
    'The question failed; run "npm run ops -- doctor" again, and look into the log of this server.';
  return part === 'postgresql'
    ? refused(part, 'answers', value, advice)
    : warned(part, 'answers', value, advice);
}

/** Beyond this, holds, tokens and jobs end noticeably early or late. */
const clockToleranceMs = 1_000;

async function checkClocks({ database, redis }: InstallationStores): Promise<InstallationCheck[]> {
  const [postgres, other] = await Promise.all([
    offsetOf(async () => {
      const call = { statement: readClockStatement, values: [] };
      const [row] = await runStatement<{ now: number }>(database.$client, call);
      return row!.now * 1_000;
    }),
    offsetOf(async () => {
      const [seconds, microseconds] = await redis.time();
      return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
    }),
  ]);
  // The question to PostgreSQL says why it does not answer.
  if (postgres === undefined) return [];
  const rows = [compareClocks('process to PostgreSQL', -postgres)];
  if (other !== undefined) rows.push(compareClocks('Redis to PostgreSQL', other - postgres));
  return rows;
}

/** @returns how far a clock is ahead of this process, in ms; undefined when it cannot be read */
async function offsetOf(readMs: () => Promise<number>): Promise<number | undefined> {
  try {
    // The first reading may wait for a connection.
    await readMs();
    const startedAt = Date.now();
    return (await readMs()) - (startedAt + Date.now()) / 2;
  } catch {
    return undefined;
  }
}

function compareClocks(name: string, offsetMs: number): InstallationCheck {
  const value = `${(offsetMs / 1_000).toFixed(3)} s`;
  if (Math.abs(offsetMs) <= clockToleranceMs) return check('clock', name, value);
  return warned('clock', name, value, 'The clocks differ: synchronize all machines with NTP.');
}
