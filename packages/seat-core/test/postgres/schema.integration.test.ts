import { randomUUID } from 'node:crypto';
import { auditViolations } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newEventId, seatIdOf } from '../../src/ids.ts';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

/* What the database itself refuses, also from SQL written by hand. */

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => {
  expect(await auditViolations(engine.databaseUrl)).toEqual([]);
  await engine[Symbol.asyncDispose]();
});

/** The constraint or trigger that refuses a statement. */
async function refusedBy(text: string, values: unknown[] = []): Promise<string | undefined> {
  const client = await engine.pool.connect();
  try {
    await client.query('begin');
    await client.query(text, values);
    return undefined;
  } catch (error) {
    return (error as { constraint?: string }).constraint;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

describe('booking_seats', () => {
  it('the partial unique index refuses a second live booking of a seat', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const bookingId = randomUUID();
    const { rowCount } = await engine.pool.query(
      `insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at)
       values ($1, $2, 'eve', 'PENDING', 1, 1, 'IDR', now(), now() + interval '1 hour')`,
      [bookingId, event.id],
    );
    expect(rowCount).toBe(1);
    expect(
      await refusedBy(
        `insert into booking_seats (event_id, booking_id, seat_id, price_amount, live) values ($1, $2, $3, 1, true)`,
        [event.id, bookingId, seatIds[0]],
      ),
    ).toBe('booking_seats_live_seat_key');
    await engine.pool.query('delete from bookings where id = $1', [bookingId]);
  });
});

describe('bookings', () => {
  it.each(['CONFIRMED', 'EXPIRED', 'CANCELLED'])('a booking that is %s changes no more', async (final) => {
    const { seatIds } = await engine.makeEvent(1);
    const briefly = engine.withSettings({ holdSeconds: final === 'EXPIRED' ? 0.001 : 120 });
    const { id } = await briefly.holdSeats({ seatIds, userId: 'ani' });
    if (final === 'CONFIRMED')
      await engine.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'ani' });
    if (final === 'CANCELLED')
      await engine.core.releaseBooking({ bookingId: id, ownedBy: anyone, actor: 'ani' });
    if (final === 'EXPIRED') await expect.poll(() => engine.core.sweepOverdue()).toBe(1);
    for (const status of ['PENDING', 'CONFIRMED', 'EXPIRED', 'CANCELLED'].filter(
      (other) => other !== final,
    )) {
      const confirmedAt = status === 'CONFIRMED' ? 'now()' : 'null';
      expect(
        await refusedBy(
          `update bookings set status = '${status}', confirmed_at = ${confirmedAt} where id = $1`,
          [id],
        ),
      ).toBe('bookings_legal_edge');
    }
  });

  it('a booking starts PENDING, and neither its user nor its deadline changes', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    expect(
      await refusedBy(
        `insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at, confirmed_at)
         values ($1, $2, 'eve', 'CONFIRMED', 1, 1, 'IDR', now(), now(), now())`,
        [randomUUID(), event.id],
      ),
    ).toBe('bookings_start_pending');
    const { id } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    expect(await refusedBy(`update bookings set user_id = 'eve' where id = $1`, [id])).toBe(
      'bookings_legal_edge',
    );
    expect(
      await refusedBy(`update bookings set expires_at = expires_at + interval '1 hour' where id = $1`, [id]),
    ).toBe('bookings_legal_edge');
    expect(await refusedBy(`update bookings set status = 'PAID' where id = $1`, [id])).toBe(
      'bookings_legal_edge',
    );
    expect(await refusedBy(`update bookings set status = 'CONFIRMED' where id = $1`, [id])).toBe(
      'bookings_confirmed_at_check',
    );
  });
});

describe('seats', () => {
  it.each([
    ['AVAILABLE', `status = 'SOLD', version = version + 1`],
    ['AVAILABLE', `status = 'RESERVED'`],
    ['AVAILABLE', `version = version + 1`],
    ['RESERVED', `status = 'AVAILABLE'`],
    ['RESERVED', `status = 'AVAILABLE', version = version + 2`],
    ['RESERVED', `version = version + 1`],
    ['SOLD', `status = 'AVAILABLE', version = version + 1`],
    ['SOLD', `status = 'RESERVED', version = version + 1`],
    ['SOLD', `version = version - 1`],
  ])('a seat that is %s refuses: set %s', async (status, change) => {
    const { seatIds } = await engine.makeEvent(1);
    if (status !== 'AVAILABLE') {
      const { id } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
      if (status === 'SOLD')
        await engine.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'ani' });
    }
    expect(await refusedBy(`update seats set ${change} where id = $1`, seatIds)).toBe('seats_legal_edge');
  });

  it('a seat starts AVAILABLE with an id of its event, and each place of an event has one seat', async () => {
    const { event } = await engine.makeEvent(1);
    const insert = (status: string, number: number, id = seatIdOf(event.id, 2)) =>
      refusedBy(
        `insert into seats (event_id, id, section, "row", number, price_amount, currency, status)
         values ($1, $2, 'Stalls', 'A', ${number}, 1, 'IDR', '${status}')`,
        [event.id, id],
      );
    expect(await insert('AVAILABLE', 2, seatIdOf(newEventId(), 2))).toBe('seats_start_available');
    expect(await insert('SOLD', 2)).toBe('seats_start_available');
    expect(await insert('AVAILABLE', 1)).toBe('seats_place_key');
    expect(await insert('AVAILABLE', 0)).toBe('seats_number_check');
    expect(await insert('AVAILABLE', 2)).toBeUndefined();
  });

  it('a seat of a live booking, and a booking with lines, cannot be deleted', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const { id } = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    expect(await refusedBy('delete from seats where id = $1', [seatIds[0]])).toBe('seats_not_booked');
    expect(await refusedBy('delete from bookings where id = $1', [id])).toBe('bookings_without_lines');
    expect(await refusedBy('delete from seats where id = $1', [seatIds[1]])).toBeUndefined();
  });
});

describe('booking_events', () => {
  it('the history is append-only and has each transition of a booking once', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    const { id } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    expect(await refusedBy(`update booking_events set actor = 'eve' where booking_id = $1`, [id])).toBe(
      'booking_events_append_only',
    );
    const insert = (from: string | null, to: string) =>
      refusedBy(
        `insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, at, seat_ids, seat_versions,
           user_id, prices, currency, expires_at)
         select $1, $2, $3, $4::text, 'hold', 'eve', now(), '{}', '{}',
           made.user_id, made.prices, made.currency, made.expires_at
         from (select 1) one left join (values ('eve', '{}'::bigint[], 'IDR', now())) made(user_id, prices, currency, expires_at)
           on $4 = 'PENDING'`,
        [event.id, id, from, to],
      );
    expect(await insert(null, 'PENDING')).toBe('booking_events_pkey');
    expect(await insert(null, 'CONFIRMED')).toBe('booking_events_edge_check');
    expect(await insert('EXPIRED', 'CONFIRMED')).toBe('booking_events_edge_check');
    expect(await insert('PENDING', 'CANCELLED')).toBeUndefined();
  });
});
