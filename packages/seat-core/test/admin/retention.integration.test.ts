import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { auditInvariants } from '../../src/admin/audit.ts';
import { rebuildFromHistory } from '../../src/admin/rebuild-from-history.ts';
import { openRetention, type Retention } from '../../src/admin/retention.ts';
import type { EventArchive } from '../../src/admin/retire-event.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';
import { anyone } from '../../src/records/ownership.ts';

const keptDays = 365;

let engine: TestEngine;
let retention: Retention;
let urls: { databaseUrl: string; redisUrl: string };
beforeAll(async () => {
  engine = await openTestEngine();
  const { host, port, password, db } = engine.redis.options;
  urls = { databaseUrl: engine.databaseUrl, redisUrl: `redis://:${password}@${host}:${port}/${db}` };
  retention = await openRetention(urls);
});
afterAll(async () => {
  await retention[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(await auditViolations(engine.databaseUrl)).toEqual([]);
  const reports = [
    await auditInvariants({ databaseUrl: engine.databaseUrl }),
    await rebuildFromHistory({ databaseUrl: engine.databaseUrl, timeLimitSeconds: 20 }),
  ];
  expect(reports.flatMap(({ results }) => results).filter(({ violations }) => violations > 0)).toEqual([]);
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

/** A hall in which things have happened: two seats sold, one released, two free. */
async function createPastEvent(daysAgo: number) {
  const { event, seatIds } = await engine.makeEvent(5);
  const sold = await engine.core.holdSeats({ seatIds: seatIds.slice(0, 2), userId: 'ani' });
  await engine.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'till' });
  const released = await engine.core.holdSeats({ seatIds: [seatIds[2]!], userId: 'budi' });
  await engine.core.releaseBooking({ bookingId: released.id, ownedBy: anyone, actor: 'budi' });
  await age(event.id, daysAgo);
  return { id: event.id, seatIds, bookingId: sold.id };
}

/** As if all of it had been that long ago, which nobody can wait for. */
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

describe('the retention of events', () => {
  it('archives everything about an event that is long over and deletes it, and nothing of another', async () => {
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

  it('keeps an event that is not over for long enough, has a hold, or was touched within a day', async () => {
    const young = await createPastEvent(364);
    const held = await createPastEvent(500);
    await engine.core.holdSeats({ seatIds: [held.seatIds[4]!], userId: 'citra' });
    await age(held.id, 2);
    const touched = await createPastEvent(500);
    const sale = await engine.core.holdSeats({ seatIds: [touched.seatIds[4]!], userId: 'citra' });
    await engine.core.confirmBooking({ bookingId: sale.id, ownedBy: anyone, actor: 'till' });
    const archive = memoryArchive();
    const retire = async (eventId: string) => retention.retireEvent({ eventId, keptDays, archive });

    await expect(retire(young.id)).rejects.toThrow('it is not over for 365 days, or something was recorded');
    await expect(retire(held.id)).rejects.toThrow('it has holds that have not ended');
    await expect(retire(touched.id)).rejects.toThrow(
      'it is not over for 365 days, or something was recorded',
    );
    await expect(retire('01890000-0000-7000-8000-000000000009')).rejects.toThrow('there is no such event');
    expect(archive.lines).toEqual([]);
    await engine.core.sweepOverdue();
  });

  it('deletes nothing when the archive cannot be written, and can be tried again', async () => {
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

  it('waits for nobody for long: a seat that somebody is deciding about puts it off', async () => {
    const past = await createPastEvent(400);
    const other = await engine.pool.connect();
    try {
      await other.query('begin');
      await other.query('select from seats where id = $1 for no key update', [past.seatIds[4]]);
      const retiring = retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
      await expect(retiring).rejects.toMatchObject({ code: '55P03' });
    } finally {
      await other.query('rollback');
      other.release();
    }
    await retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
  });

  it('refuses less than 30 days, and an id that is none', async () => {
    expect((await refusal(retention.listRetirable({ keptDays: 29 }))).code).toBe('VALIDATION_FAILED');
    const input = { eventId: 'x', keptDays, archive: memoryArchive() };
    expect((await refusal(retention.retireEvent(input))).code).toBe('VALIDATION_FAILED');
  });

  it('takes down the index it put up, also one that a killed run left', async () => {
    const indexes = async () => {
      const { rows } = await engine.pool.query(
        `select from pg_indexes where indexname = 'booking_seats_retirement_idx'`,
      );
      return rows.length;
    };
    await retention[Symbol.asyncDispose]();
    expect(await indexes()).toBe(0);
    await engine.pool.query('create index booking_seats_retirement_idx on booking_seats (seat_id)');
    const past = await createPastEvent(400);
    retention = await openRetention(urls);
    await retention.retireEvent({ eventId: past.id, keptDays, archive: memoryArchive() });
    await retention[Symbol.asyncDispose]();
    expect(await indexes()).toBe(0);
    retention = await openRetention(urls);
  });
});

it('says so when Redis or PostgreSQL is away, before anything is done', async () => {
  const nowhere = { redisUrl: 'redis://127.0.0.1:1', databaseUrl: 'postgres://nobody@127.0.0.1:1/none' };
  await expect(openRetention({ ...urls, redisUrl: nowhere.redisUrl })).rejects.toBeInstanceOf(Error);
  await expect(openRetention({ ...urls, databaseUrl: nowhere.databaseUrl })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});
