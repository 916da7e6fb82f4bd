import {
  auditViolations,
  createPrivateStack,
  makeEvent,
  waitFor,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/postgres/pool.ts';
import { closeRedis, openQueueRedis, openRedis } from '../../src/redis/connect.ts';
import { createSeatCore, type SeatCore } from '../../src/seat-core.ts';
import { refusal } from '../fixtures/test-engine.ts';

const poolMax = 10;
let stack: PrivateStack;
let database: Database;
let redis: Awaited<ReturnType<typeof openRedis>>;
let queueRedis: Awaited<ReturnType<typeof openQueueRedis>>;
let core: SeatCore;
let seatIds: readonly string[];
beforeAll(async () => {
  stack = await createPrivateStack();
  database = openDatabase({ databaseUrl: stack.serviceUrl, poolMax });
  redis = await openRedis({ redisUrl: stack.redisUrl });
  queueRedis = await openQueueRedis({ redisUrl: stack.redisUrl });
  core = createSeatCore({ database, redis, queueRedis });
  ({ seatIds } = await makeEvent(core, { seats: 100 }));
});
afterAll(async () => {
  await core.close();
  await closeRedis(queueRedis);
  await closeRedis(redis);
  await database.$client.end();
  await stack.dispose();
});

let next = 0;
const hold = () => {
  next += 1;
  return core.holdSeats({ seatIds: [seatIds[next]!], userId: `user-${next}` });
};
const sellsAgain = () =>
  waitFor(async () => (await hold()).status === 'PENDING', { description: 'a hold to be made' });

/** How many backends answer while the whole pool is lent, and how many PostgreSQL has for this pool. */
async function lendAll(): Promise<{ answering: number; open: number }> {
  const lent = await Promise.allSettled(Array.from({ length: poolMax }, () => database.$client.connect()));
  const clients = lent.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    const replies = await Promise.all(
      clients.map((client) =>
        client.query<{ pid: number; open: number }>(
          `select pg_backend_pid() as pid, count(*)::int as open
           from pg_stat_activity where application_name = 'seat-core'`,
        ),
      ),
    );
    const rows = replies.map((reply) => reply.rows[0]!);
    return { answering: new Set(rows.map(({ pid }) => pid)).size, open: rows.at(-1)?.open ?? 0 };
  } finally {
    for (const client of clients) client.release();
  }
}
const lendsAllAgain = () =>
  waitFor(
    async () => {
      expect(await lendAll()).toEqual({ answering: poolMax, open: poolMax });
      return true;
    },
    { description: 'every connection to be lent again' },
  );

describe('PostgreSQL down', () => {
  it('a dead PostgreSQL is reported in under a second; sales resume within 2 s of its return, on all connections', async () => {
    await stack.postgres.kill();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { code } = await withinDeadline('an answer while PostgreSQL is dead', 1_000, () =>
        refusal(hold()),
      );
      expect(code).toBe('DEPENDENCY_UNAVAILABLE');
    }
    await expect(core.ping()).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    await stack.postgres.start();
    await withinDeadline('sales on all connections after PostgreSQL returned', 2_000, async () => {
      await sellsAgain();
      await lendsAllAgain();
    });
  });
});

describe('PostgreSQL frozen', () => {
  it('a frozen PostgreSQL costs the first callers 2 s at most and the next ones 1 s; sales resume after it', async () => {
    await stack.postgres.freeze();
    const first = await withinDeadline('the first answers while PostgreSQL is frozen', 2_000, () =>
      Promise.all(Array.from({ length: 20 }, () => refusal(hold()))),
    );
    for (const { code } of first) expect(['DEPENDENCY_UNAVAILABLE', 'OVERLOADED']).toContain(code);
    // A commit that was sent may still happen when it thaws: the outcome is unknown.
    expect(first.some(({ details }) => 'outcome' in details && details.outcome === 'unknown')).toBe(true);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { code, details } = await withinDeadline('a later answer', 1_000, () => refusal(hold()));
      expect(code).toBe('DEPENDENCY_UNAVAILABLE');
      expect(details).toEqual({});
    }
    await stack.postgres.thaw();
    await withinDeadline('sales after PostgreSQL thawed', 2_000, sellsAgain);
  });
});

describe('ended connections', () => {
  it('connections that PostgreSQL ends again and again under load harm neither the process nor the pool', async () => {
    const admin = new pg.Client({ connectionString: stack.databaseUrl });
    await admin.connect();
    const done = new AbortController();
    const outcomes = new Set<string>();
    const caller = async () => {
      while (!done.signal.aborted) {
        await hold().then(
          () => outcomes.add('held'),
          (error: { code?: string }) => outcomes.add(String(error.code)),
        );
        next %= seatIds.length - 1;
      }
    };
    const callers = Array.from({ length: 8 }, caller);
    for (let round = 0; round < 100; round += 1) {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'seat-core'`,
      );
    }
    done.abort();
    await Promise.all(callers);
    // Lost races for held seats, and errors of the database; no other error.
    for (const outcome of outcomes) {
      expect(['held', 'SEAT_TAKEN', 'SEAT_LOCKED', 'DEPENDENCY_UNAVAILABLE', 'OVERLOADED']).toContain(
        outcome,
      );
    }
    expect(outcomes).toContain('DEPENDENCY_UNAVAILABLE');
    await waitFor(() => core.ping().then(() => true), { description: 'an answer' });
    await lendsAllAgain();
    await admin.end();
    expect(await auditViolations(stack.databaseUrl)).toEqual([]);
  });
});
