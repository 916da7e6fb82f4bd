import { auditViolations, createTestDatabase, type TestDatabase } from '@ticketing/testkit';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const event = '01890000-0000-7000-8000-000000000001';
const seat = '01890000-0000-7000-8000-00000000000a';
const booking = '01890000-0000-7000-8000-0000000000b1';

let database: TestDatabase;
let client: pg.Client;

beforeEach(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    insert into events (id, name, venue, starts_at, sections, created_at) values ('${event}', 'e', 'v', now(), '[]', now());
    insert into seats (event_id, id, section, row, number, price_amount, currency) values ('${event}', '${seat}', 'A', '1', 1, 100, 'IDR');
    insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at)
      values ('${booking}', '${event}', 'u', 'PENDING', 1, 100, 'IDR', now(), now() + interval '1 hour');
    insert into booking_seats (event_id, booking_id, seat_id, price_amount, live) values ('${event}', '${booking}', '${seat}', 100, true);
    insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, at, seat_ids, seat_versions, user_id, prices, currency, expires_at)
      values ('${event}', '${booking}', null, 'PENDING', 'hold', 'u', now(), '{${seat}}', '{1}', 'u', '{100}', 'IDR', now() + interval '1 hour');
    update seats set status = 'RESERVED', version = 1`);
});

afterEach(async () => {
  await client.end();
  await database.drop();
});

async function violatedChecks(): Promise<string[]> {
  return (await auditViolations(database.url)).map(({ check }) => check);
}

describe('the audit', () => {
  it('finds nothing where all is well', async () => {
    expect(await auditViolations(database.url)).toEqual([]);
  });

  // The guards of the database refuse most of these; the audit must not lean on them.
  it.each([
    [
      'a seat that is free though a booking holds it',
      `update seats set status = 'AVAILABLE'`,
      ['seat-matches-live-bookings'],
    ],
    [
      'a seat that is sold though its booking is not paid',
      `update seats set status = 'SOLD'`,
      ['seat-matches-live-bookings'],
    ],
    [
      'a dead line of a live booking',
      `update booking_seats set live = false`,
      ['seat-matches-live-bookings', 'line-is-live-like-its-booking'],
    ],
    [
      'a booking without its lines',
      `delete from booking_seats; update seats set status = 'AVAILABLE'`,
      ['booking-sums-up-its-lines', 'record-names-the-seats-of-its-booking'],
    ],
    [
      'a total that is not the sum of the lines',
      `update bookings set total_amount = 99`,
      ['booking-sums-up-its-lines'],
    ],
    [
      'a transition that nobody recorded',
      `update bookings set status = 'CANCELLED'; update booking_seats set live = false; update seats set status = 'AVAILABLE', version = 2`,
      ['booking-was-recorded', 'seat-versions-are-recorded-once'],
    ],
    [
      'a booking that nobody recorded',
      `delete from booking_events`,
      ['booking-was-recorded', 'seat-versions-are-recorded-once'],
    ],
    [
      'a record without its booking',
      `delete from booking_seats; delete from bookings; update seats set status = 'AVAILABLE'`,
      ['record-has-its-booking', 'record-names-the-seats-of-its-booking'],
    ],
    [
      'a version that two transitions carry',
      `update booking_events set seat_versions = '{2}'`,
      ['seat-versions-are-recorded-once'],
    ],
  ])('finds %s', async (_, damage, expected) => {
    await client.query(
      `set session_replication_role = replica; ${damage}; set session_replication_role = origin`,
    );
    expect(await violatedChecks()).toEqual(expected);
  });
});
