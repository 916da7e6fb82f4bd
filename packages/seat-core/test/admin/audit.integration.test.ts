import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditCheckNames, auditInvariants, auditInvariantsInTurn } from '../../src/admin/audit.ts';
import { rebuildFromHistory } from '../../src/admin/rebuild/rebuild-from-history.ts';
import { TimeLimitError } from '../../src/admin/read-transaction.ts';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
let client: pg.Client;
/** A new event for each test, with bookings in every state; the test damages it, and the next test empties the tables. */
let seatIds: string[];
let booked: Record<'pending' | 'confirmed' | 'cancelled' | 'expired' | 'reclaimed', string>;

beforeAll(async () => {
  engine = await openTestEngine();
  client = new pg.Client({ connectionString: engine.databaseUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await engine[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await client.query('truncate events, seats, bookings, booking_seats, booking_events, idempotency_keys');
  await client.query(
    'create unique index if not exists booking_seats_live_seat_key on booking_seats (event_id, seat_id) where live',
  );
  await engine.redis.flushdb();
  const briefly = engine.withSettings({ holdSeconds: 0.001 });
  ({ seatIds } = await engine.makeEvent(9));
  const hold = async (core: typeof briefly, ...numbers: number[]) => {
    const booking = await core.holdSeats({ seatIds: numbers.map((n) => seatIds[n]!), userId: 'ani' });
    return booking.id;
  };
  const overdue = async (bookingId: string) => {
    await engine.untilOverdue(bookingId);
    return bookingId;
  };
  const expired = await overdue(await hold(briefly, 0, 1));
  await engine.core.expireBookings({ bookingIds: [expired] });
  const reclaimed = await overdue(await hold(briefly, 1, 2));
  const pending = await hold(engine.core, 2, 3);
  const confirmed = await hold(engine.core, 0, 4);
  await engine.core.confirmBooking({ bookingId: confirmed, ownedBy: anyone, actor: 'till' });
  const cancelled = await hold(engine.core, 5, 6);
  await engine.core.releaseBooking({ bookingId: cancelled, ownedBy: anyone, actor: 'ani' });
  booked = { pending, confirmed, cancelled, expired, reclaimed };
});

const options = () => ({ databaseUrl: engine.databaseUrl, timeLimitSeconds: 20 });

async function violations(): Promise<Record<string, number>> {
  const reports = [await auditInvariants(options()), await rebuildFromHistory(options())];
  const found = reports.flatMap(({ results }) => results).filter((result) => result.violations > 0);
  return Object.fromEntries(found.map((result) => [result.check, result.violations]));
}

/** Does what the constraints and triggers refuse: the audit must not rely on them. */
async function damage(sql: string): Promise<void> {
  await client.query(`set session_replication_role = replica; ${sql}; set session_replication_role = origin`);
}

const allRecords = 'lock table booking_events in access exclusive mode';

describe('audit and rebuild', () => {
  it('audit and rebuild report no violation, check by check, where all is well', async () => {
    const audit = await auditInvariants(options());
    expect(audit.results).toEqual(auditCheckNames.map((check) => ({ check, violations: 0, samples: [] })));
    expect(Math.abs(audit.at.getTime() - Date.now())).toBeLessThan(60_000);
    const rebuild = await rebuildFromHistory(options());
    expect(rebuild).toMatchObject({ records: 9, transitions: 18 });
    expect(rebuild.results).toEqual(
      ['rebuild-bookings', 'rebuild-lines', 'rebuild-seats'].map((check) => ({
        check,
        violations: 0,
        samples: [],
      })),
    );
  });

  it.each([
    [
      'a sold seat shown as free',
      () => `update seats set status = 'AVAILABLE' where id = '${seatIds[4]}'`,
      {
        'seat-status': 1,
        'rebuild-seats': 1,
      },
    ],
    [
      'a free seat shown as held',
      () => `update seats set status = 'RESERVED' where id = '${seatIds[8]}'`,
      {
        'seat-status': 1,
        'rebuild-seats': 1,
      },
    ],
    [
      'a held seat shown as sold',
      () => `update seats set status = 'SOLD' where id = '${seatIds[3]}'`,
      {
        'seat-status': 1,
        'rebuild-seats': 1,
      },
    ],
    [
      'a line that is not live like its booking',
      () =>
        `update booking_seats set live = false where booking_id = '${booked.confirmed}' and seat_id = '${seatIds[4]}'`,
      {
        'seat-status': 1,
        'line-live': 1,
        'rebuild-lines': 1,
      },
    ],
    [
      'a total that is not the sum of the lines',
      () => `update bookings set total_amount = 1 where id = '${booked.expired}'`,
      {
        'booking-total': 1,
        'rebuild-bookings': 1,
      },
    ],
    [
      'a price that changed after the booking',
      () =>
        `update booking_seats set price_amount = price_amount + 1 where booking_id = '${booked.cancelled}'`,
      {
        'booking-total': 1,
        'rebuild-lines': 1,
      },
    ],
    [
      'a booking that has another user than when it was made',
      () => `update bookings set user_id = 'budi' where id = '${booked.pending}'`,
      {
        'rebuild-bookings': 1,
      },
    ],
    [
      'an end without its record',
      () => `delete from booking_events where booking_id = '${booked.cancelled}' and to_status = 'CANCELLED'`,
      {
        'booking-record': 1,
        'seat-version': 2,
        'rebuild-bookings': 1,
        'rebuild-lines': 1,
        'rebuild-seats': 2,
      },
    ],
    [
      'a booking that is gone',
      () =>
        `delete from booking_seats where booking_id = '${booked.expired}'; delete from bookings where id = '${booked.expired}'`,
      {
        'booking-record': 1,
        'record-seats': 2,
        'rebuild-bookings': 1,
        'rebuild-lines': 1,
      },
    ],
    [
      'a version that was used twice',
      () =>
        `update booking_events set seat_versions = '{3,2}' where booking_id = '${booked.reclaimed}' and to_status = 'EXPIRED'`,
      {
        'seat-version': 1,
        'rebuild-seats': 1,
      },
    ],
    [
      'two bookings that held a seat at once, with no version missing',
      () => `
        update booking_events set seat_versions = '{3,2}' where booking_id = '${booked.expired}' and to_status = 'EXPIRED';
        update booking_events set seat_versions = '{2,1}' where booking_id = '${booked.confirmed}' and to_status = 'PENDING'`,
      { 'rebuild-seats': 1 },
    ],
    [
      'a seat that is gone',
      () => `delete from seats where id = '${seatIds[3]}'`,
      {
        'line-live': 1,
        'seat-version': 1,
        'rebuild-seats': 1,
      },
    ],
    ['an event that is gone', () => 'delete from events', { 'event-exists': 3 }],
    [
      'an idempotency key without its booking',
      () => `insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
        select sha256('a'), sha256('b'), id, '01890000-0000-7000-8000-0000000000b1', now() from events`,
      {
        'key-effect': 1,
      },
    ],
    [
      'a seat with two live bookings',
      () => `drop index booking_seats_live_seat_key;
        insert into booking_seats select id, '${booked.pending}', '${seatIds[4]}', 150000, true from events;
        update bookings set seat_count = 3, total_amount = 450000 where id = '${booked.pending}'`,
      {
        'seat-status': 1,
        'record-seats': 1,
        'rebuild-bookings': 1,
        'rebuild-lines': 1,
      },
    ],
  ])('audit and rebuild find %s', async (_, sql, expected) => {
    await damage(sql());
    expect(await violations()).toEqual(expected);
  });

  it('audit and rebuild count all violations, and describe the first five', async () => {
    await damage(`update seats set status = 'SOLD'`);
    const { results } = await auditInvariants(options());
    const found = results.find((result) => result.check === 'seat-status');
    expect(found).toMatchObject({ violations: 7, samples: { length: 5 } });
    expect(found?.samples[0]).toMatch(
      /^seat [0-9a-f-]{36} is SOLD, and its live bookings are: (none|PENDING)$/,
    );
    const rebuild = await rebuildFromHistory(options());
    expect(rebuild.results.at(-1)).toMatchObject({
      check: 'rebuild-seats',
      violations: 7,
      samples: { length: 5 },
    });
  });

  it('audit and rebuild report no violation while bookings are made and expire', async () => {
    const busy = engine.withSettings({ holdSeconds: 0.001 });
    const done = new AbortController();
    // Under load a statement may run into its time limit.
    const tolerated = async (work: Promise<unknown>) => work.catch(() => undefined);
    const traffic = Array.from({ length: 3 }, async (_, n) => {
      while (!done.signal.aborted) {
        await tolerated(busy.holdSeats({ seatIds: [seatIds[7 + (n % 2)]!], userId: `user-${n}` }));
        await tolerated(busy.sweepOverdue());
      }
    });
    try {
      for (let round = 0; round < 8; round += 1) expect(await violations()).toEqual({});
    } finally {
      done.abort();
      await Promise.all(traffic);
    }
  });

  it('audit and rebuild give up at their time limit with an error, and leave no session behind', async () => {
    await engine.whileLocked(allRecords, async () => {
      const brief = { databaseUrl: engine.databaseUrl, timeLimitSeconds: 0.3 };
      await expect(auditInvariants(brief)).rejects.toThrow(/^not done within 0.3 s and given up/);
      await expect(rebuildFromHistory(brief)).rejects.toBeInstanceOf(TimeLimitError);
    });
    const { rows } = await engine.pool.query(
      `select from pg_stat_activity where application_name = 'seat-core-audit' and datname = current_database()`,
    );
    expect(rows).toEqual([]);
  });

  it('an aborted audit ends at once, also on the server', async () => {
    await engine.whileLocked(allRecords, async () => {
      const stopping = new AbortController();
      const audit = auditInvariants({ databaseUrl: engine.databaseUrl, signal: stopping.signal });
      const sessions = async () => {
        const { rows } = await engine.pool.query<{ event: string }>(
          `select wait_event_type as event from pg_stat_activity
           where application_name = 'seat-core-audit' and datname = current_database()`,
        );
        return rows.map(({ event }) => event);
      };
      await expect.poll(sessions, { timeout: 5_000 }).toEqual(['Lock']);
      stopping.abort();
      await expect(audit).rejects.toThrow('terminated');
      await expect.poll(sessions, { timeout: 5_000 }).toEqual([]);
    });
  });

  it('audit and rebuild fail with the reason when the database is not there, or has no tables', async () => {
    const nowhere = { databaseUrl: 'postgres://owner@127.0.0.1:1/none', timeLimitSeconds: 5 };
    await expect(auditInvariants(nowhere)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const admin = new URL(engine.databaseUrl);
    admin.pathname = '/postgres';
    const empty = { databaseUrl: admin.href, timeLimitSeconds: 5 };
    await expect(rebuildFromHistory(empty)).rejects.toMatchObject({ code: '42P01' });
  });
});

describe('auditInvariantsInTurn', () => {
  it('audits only when no other process is auditing', async () => {
    // The lock that all auditors take.
    const auditLock = { text: 'select pg_advisory_xact_lock($1)', values: [0x6175646974] };
    await engine.whileLocked(auditLock, async () => {
      expect(await auditInvariantsInTurn(options())).toBeNull();
      expect((await auditInvariants(options())).results).not.toEqual([]);
    });
    expect((await auditInvariantsInTurn(options()))?.results).toHaveLength(auditCheckNames.length);
  });
});
