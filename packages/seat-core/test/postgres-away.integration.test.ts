import {
  auditViolations,
  createPrivateStack,
  waitFor,
  withinDeadline,
  type PrivateStack,
} from '@ticketing/dev-stack';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSeatCore } from '../src/open-seat-core.ts';
import type { SeatCore } from '../src/seat-core.ts';
import { refusal } from './test-engine.ts';

let stack: PrivateStack;
let core: SeatCore;
let seatIds: string[];
beforeAll(async () => {
  stack = await createPrivateStack();
  core = await openSeatCore({ databaseUrl: stack.databaseUrl, redisUrl: stack.redisUrl });
  const event = await core.createEvent({
    name: 'Recital',
    venue: 'Small Hall',
    startsAt: new Date(Date.now() + 86_400_000),
    sections: [{ name: 'Stalls', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 100 }] }],
  });
  const { json } = await core.getSeatMap({ eventId: event.id });
  seatIds = (JSON.parse(json.toString()) as { seats: { id: string }[] }).seats.map(({ id }) => id);
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await stack.dispose();
});

let next = 0;
const hold = () => {
  next += 1;
  return core.holdSeats({ seatIds: [seatIds[next]!], userId: `user-${next}` });
};
const sellsAgain = () =>
  waitFor(async () => (await hold()).status === 'PENDING', { description: 'a hold to be made' });

describe('a PostgreSQL that is gone', () => {
  it('is said so in under a second, and sells again within 2 s of its return, with all connections', async () => {
    await stack.postgres.kill();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { code } = await withinDeadline('an answer while PostgreSQL is gone', 1_000, () =>
        refusal(hold()),
      );
      expect(code).toBe('DEPENDENCY_UNAVAILABLE');
    }
    await expect(core.ping()).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    await stack.postgres.start();
    await withinDeadline('selling again after PostgreSQL returned', 2_000, sellsAgain);
    // As many as there are connections, at once: none of them was lost to the outage.
    const answers = await Promise.all(Array.from({ length: 10 }, () => core.ping().then(() => 'answered')));
    expect(answers).toHaveLength(10);
  });
});

describe('a PostgreSQL that is frozen', () => {
  it('costs the first callers 2 s at most, the next ones under one, and is found again', async () => {
    await stack.postgres.freeze();
    const first = await withinDeadline('the first answers while PostgreSQL is frozen', 2_000, () =>
      Promise.all(Array.from({ length: 20 }, () => refusal(hold()))),
    );
    for (const { code } of first) expect(['DEPENDENCY_UNAVAILABLE', 'OVERLOADED']).toContain(code);
    // What was sent may still be done when it thaws, and that is what callers are told.
    expect(first.some(({ details }) => 'outcome' in details && details.outcome === 'unknown')).toBe(true);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { code, details } = await withinDeadline('a later answer', 1_000, () => refusal(hold()));
      expect(code).toBe('DEPENDENCY_UNAVAILABLE');
      expect(details).toEqual({});
    }
    await stack.postgres.thaw();
    await withinDeadline('selling again after PostgreSQL thawed', 2_000, sellsAgain);
  });
});

describe('connections that are ended, again and again, under load', () => {
  it('take neither the process nor the pool with them', async () => {
    const admin = new pg.Client({ connectionString: stack.databaseUrl });
    await admin.connect();
    const open = async () => {
      const { rows } = await admin.query<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity where application_name = 'seat-core'`,
      );
      return rows[0]!.n;
    };
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
    // Lost races for seats that are held already, and words about the database; nothing that nobody expected.
    for (const outcome of outcomes) {
      expect(['held', 'SEAT_TAKEN', 'SEAT_LOCKED', 'DEPENDENCY_UNAVAILABLE', 'OVERLOADED']).toContain(
        outcome,
      );
    }
    expect(outcomes).toContain('DEPENDENCY_UNAVAILABLE');
    await waitFor(() => core.ping().then(() => true), { description: 'an answer' });
    await Promise.all(Array.from({ length: 30 }, () => core.ping()));
    expect(await open()).toBeLessThanOrEqual(10);
    await admin.end();
    expect(await auditViolations(stack.databaseUrl)).toEqual([]);
  });
});
