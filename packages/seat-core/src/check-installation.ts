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
  const startedAt = Date.now();
  const [[row], time] = await Promise.all([
    runStatement<{ now: number }>(database.$client, { statement: readClockStatement, values: [] }).catch(
      () => [],
    ),
    redis.time().catch(() => undefined),
  ]);
  // The question to PostgreSQL says why it does not answer.
  if (row === undefined) return [];
  const between = (startedAt + Date.now()) / 2;
  const postgresMs = row.now * 1_000;
  const rows = [compareClocks('process to PostgreSQL', between - postgresMs)];
  if (time !== undefined) {
    const redisMs = Number(time[0]) * 1_000 + Number(time[1]) / 1_000;
    rows.push(compareClocks('Redis to PostgreSQL', redisMs - postgresMs));
  }
  return rows;
}

function compareClocks(name: string, offsetMs: number): InstallationCheck {
  const value = `${(offsetMs / 1_000).toFixed(3)} s`;
  if (Math.abs(offsetMs) <= clockToleranceMs) return check('clock', name, value);
  return warned('clock', name, value, 'The clocks differ: synchronize all machines with NTP.');
}
