import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openRetention, type Retention } from '../../src/admin/retention.ts';
import type { EventArchive } from '../../src/admin/retire-event.ts';
import { anyone } from '../../src/records/ownership.ts';
import {
  historyDifferences,
  openTestEngine,
  refusal,
  rowLock,
  type TestEngine,
} from '../fixtures/test-engine.ts';

const keptDays = 365;

let engine: TestEngine;
let retention: Retention;
let urls: { databaseUrl: string; redisUrl: string };
beforeAll(async () => {
  engine = await openTestEngine();
  urls = { databaseUrl: engine.databaseUrl, redisUrl: engine.redisUrl };
  retention = await openRetention(urls);
});
afterAll(async () => {
  await retention.close();
  await engine[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(await auditViolations(engine.databaseUrl)).toEqual([]);
  expect(await historyDifferences(engine)).toEqual([]);
});

function memoryArchive(): EventArchive & { lines: string[]; isFinished: () => boolean } {
  const lines: string[] = [];
  let isFinished = false;
  return {
    lines,
    write: async (line) => void lines.push(line),
    finish: async () => {
      isFinished = true;
    },
    isFinished: () => isFinished,
  };
}

/** A past event: two seats sold, one released, two free. */
async function createPastEvent(daysAgo: number) {
  const { event, seatIds } = await engine.makeEvent(5);
  const sold = await engine.core.holdSeats({ seatIds: seatIds.slice(0, 2), userId: 'ani' });
  await engine.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'till' });
  const released = await engine.core.holdSeats({ seatIds: [seatIds[2]!], userId: 'budi' });
  await engine.core.releaseBooking({ bookingId: released.id, ownedBy: anyone, actor: 'budi' });
  await age(event.id, daysAgo);
  return { id: event.id, seatIds, bookingId: sold.id };
}

/** Moves all of an event that many days into the past. */
async function age(eventId: string, days: number): Promise<void> {
  const client = await engine.pool.connect();
  try {
    await client.query('begin');
    await client.query('set local session_replication_role = replica');
    const shift = `interval '${days} days'`;
    for (const statement of [
      `update events set starts_at = created_at - ${shift}, created_at = created_at - ${shift} where id = $1`,
      `update bookings set created_at = created_at - ${shift}, expires_at = expires_at - ${shift}, confirmed_at = confirmed_at - ${shift} where event_id = $1`,
      `update booking_events set at = at - ${shift}, expires_at = expires_at - ${shift} where event_id = $1`,
    ]) {
      await client.query(statement, [eventId]);
    }
    await client.query('commit');
  } finally {
    client.release();
  }
}

/** Holds a seat of an event that is over, whose sales are opened again for it. */
async function holdLate(eventId: string, seatId: string) {
  const closeAt = (moment: string) =>
    engine.pool.query(`update events set sales_close_at = ${moment} where id = $1`, [eventId]);
  await closeAt(`now() + interval '1 day'`);
  const held = await engine.core.holdSeats({ seatIds: [seatId], userId: 'citra' });
  await closeAt('null');
  return held;
}

async function rowsOf(eventId: string): Promise<number> {
  const { rows } = await engine.pool.query<{ n: number }>(
    `select (select count(*) from events where id = $1) + (select count(*) from seats where event_id = $1)
       + (select count(*) from bookings where event_id = $1) + (select count(*) from booking_seats where event_id = $1)
       + (select count(*) from booking_events where event_id = $1)
       + (select count(*) from idempotency_keys where event_id = $1) as n`,
    [eventId],
  );
  return Number(rows[0]?.n);
}

describe('retention', () => {
  it('archives all rows of an event that is long over and deletes them, and no row of another event', async () => {
    const past = await createPastEvent(400);
    const recent = await createPastEvent(300);
    await engine.pool.query(
      `insert into idempotency_keys (id, fingerprint, event_id, booking_id, created_at)
       values (sha256('k'), sha256('f'), $1, $2, now() - interval '400 days')`,
      [past.id, past.bookingId],
    );
    expect(await engine.redis.get(`status:seat:${past.seatIds[0]}`)).toBe('SOLD');
    expect(await retention.listRetirable({ keptDays })).toEqual([
      { id: past.id, name: 'Recital', startsAt: expect.any(Date), seats: 5, records: 4 },
    ]);
    const others = await rowsOf(recent.id);

    const archive = memoryArchive();
    const progress: string[] = [];
    const onProgress = (message: string) => void progress.push(message);
    const counts = {
      events: 1,
      seats: 5,
      bookings: 2,
      booking_seats: 3,
      booking_events: 4,
      idempotency_keys: 1,
    };
    expect(await retention.retireEvent({ eventId: past.id, keptDays, archive, onProgress })).toEqual(counts);

    expect(await rowsOf(past.id)).toBe(0);
    expect(await rowsOf(recent.id)).toBe(others);
    expect(await retention.listRetirable({ keptDays })).toEqual([]);
    expect(await engine.redis.exists(...past.seatIds.map((id) => `status:seat:${id}`))).toBe(0);
    expect(await engine.redis.get(`status:seat:${recent.seatIds[0]}`)).toBe('SOLD');
    expect(archive.isFinished()).toBe(true);
    const lines = archive.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(17);
    expect(lines.at(-1)).toEqual({ rows: counts });
    expect(lines).toContainEqual({
      table: 'bookings',
      row: expect.objectContaining({ id: past.bookingId, user_id: 'ani', status: 'CONFIRMED' }) as object,
    });
    expect(progress[0]).toMatch(/^archived 1 rows of events, 5 rows of seats/);
    expect(progress).toHaveLength(7);
    expect(
      await refusal(engine.core.holdSeats({ seatIds: [past.seatIds[4]!], userId: 'ani' })),
    ).toMatchObject({
      code: 'SEAT_NOT_FOUND',
    });
  });

  it('keeps an event that is not over for long enough, has a hold, or had a transition within a day', async () => {
    const young = await createPastEvent(364);
    const held = await createPastEvent(500);
    await holdLate(held.id, held.seatIds[4]!);
    await age(held.id, 2);
    const touched = await createPastEvent(500);
    const sale = await holdLate(touched.id, touched.seatIds[4]!);
    await engine.core.confirmBooking({ bookingId: sale.id, ownedBy: anyone, actor: 'till' });
    const archive = memoryArchive();
    const retire = async (eventId: string) => retention.retireEvent({ eventId, keptDays, archive });

    const tooYoung = 'it is not over for 365 days, or had a transition within a day';
    await expect(retire(young.id)).rejects.toThrow(tooYoung);
    await expect(retire(held.id)).rejects.toThrow('it has holds that have not ended');
    await expect(retire(touched.id)).rejects.toThrow(tooYoung);
    await expect(retire('01890000-0000-7000-8000-000000000009')).rejects.toThrow('there is no such event');
    expect(archive.lines).toEqual([]);
    await engine.core.sweepOverdue();
  });

  it('deletes no row when the archive cannot be written, and can be tried again', async () => {
    const past = await createPastEvent(400);
    const before = await rowsOf(past.id);
    const archive = {
      ...memoryArchive(),
      finish: async () => Promise.reject(new Error('no space left on device')),
    };
    await expect(retention.retireEvent({ eventId: past.id, keptDays, archive })).rejects.toThrow(
      'no space left',
    );
    expect(await rowsOf(past.id)).toBe(before);
    expect(await engine.redis.get(`status:seat:${past.seatIds[0]}`)).toBe('SOLD');
    await retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
    expect(await rowsOf(past.id)).toBe(0);
  });

  it('keeps an event whose sales are still open', async () => {
    const past = await createPastEvent(400);
    const closeAt = (moment: string) =>
      engine.pool.query(`update events set sales_close_at = ${moment} where id = $1`, [past.id]);
    await closeAt(`now() + interval '1 hour'`);
    const retire = () => retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
    await expect(retire()).rejects.toThrow('not over');
    await closeAt('null');
    await retire();
  });

  it('gives up soon when another transaction has locked a seat of the event', async () => {
    const past = await createPastEvent(400);
    await engine.whileLocked(rowLock('seats', past.seatIds[4]!), async () => {
      const retiring = retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
      await expect(retiring).rejects.toMatchObject({ code: '55P03' });
    });
    await retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
  });

  it('refuses to retire events younger than 30 days, and a malformed event id', async () => {
    expect((await refusal(retention.listRetirable({ keptDays: 29 }))).code).toBe('VALIDATION_FAILED');
    const input = { eventId: 'x', keptDays, archive: memoryArchive() };
    expect((await refusal(retention.retireEvent(input))).code).toBe('VALIDATION_FAILED');
  });

  it('drops its index on close, also one that a killed run left behind', async () => {
    const indexes = async () => {
      const { rows } = await engine.pool.query(
        `select from pg_indexes where indexname = 'booking_seats_retirement_idx'`,
      );
      return rows.length;
    };
    await retention.close();
    expect(await indexes()).toBe(0);
    await engine.pool.query('create index booking_seats_retirement_idx on booking_seats (seat_id)');
    const past = await createPastEvent(400);
    retention = await openRetention(urls);
    await retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
    await retention.close();
    expect(await indexes()).toBe(0);
    retention = await openRetention(urls);
  });
});

it('openRetention fails with the reason when Redis or PostgreSQL is down', async () => {
  const nowhere = { redisUrl: 'redis://127.0.0.1:1', databaseUrl: 'postgres://owner@127.0.0.1:1/none' };
  await expect(openRetention({ ...urls, redisUrl: nowhere.redisUrl })).rejects.toBeInstanceOf(Error);
  await expect(openRetention({ ...urls, databaseUrl: nowhere.databaseUrl })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});
