import { createTestDatabase, type TestDatabase } from '@ticketing/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceRoleOf } from '../../src/admin/migrate.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.serviceUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

// All other tests show that this role may do what the services need: engine and services work as this role in them.
describe('the role of the services', () => {
  it.each([
    `update booking_events set actor = 'other'`,
    'delete from booking_events',
    'delete from bookings',
    'delete from seats',
    `update bookings set user_id = 'budi'`,
    'update bookings set expires_at = now()',
    'update seats set price_amount = 0',
    'update booking_seats set price_amount = 0',
    `update events set name = 'other'`,
    'update seat_blocks set last_seat_id = first_seat_id',
    'delete from seat_blocks',
    'delete from seat_counting',
    `update idempotency_keys set fingerprint = id`,
    'truncate booking_events',
    'create table mine (id int)',
    'alter table seats add column mine int',
    'alter table bookings disable trigger all',
    'drop index booking_seats_live_seat_key',
    'create function mine() returns int language sql as $$ select 1 $$',
    `insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 1)`,
  ])('the role of the services may not: %s', async (statement) => {
    // insufficient_privilege, also for a role that does not own the table.
    await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('serviceRoleOf', () => {
  it.each([
    ['postgres://owner@db/shop', 'postgres://shop:secret@db/shop', 'shop'],
    ['postgres://owner@db/shop', 'postgres://owner:secret@db/shop', undefined],
    ['postgres://owner@db/shop', undefined, undefined],
    ['postgres://owner@db/shop', 'postgres://db/shop', undefined],
    ['postgres://owner@db/shop', 'no url', undefined],
  ])('with owner %s and services %s, rights are granted to %s', (ownerUrl, serviceUrl, role) => {
    expect(serviceRoleOf(ownerUrl, serviceUrl)).toBe(role);
  });
});
