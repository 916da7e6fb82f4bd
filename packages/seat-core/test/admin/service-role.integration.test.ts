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

// That it may do what services need is seen by all other tests: the engine and the services run as this role in them, those of
// faults too. Where a test takes the owner's, it looks into tables, migrates or archives, or says why.
describe('the role of the services', () => {
  it.each([
    `update booking_events set actor = 'nobody'`,
    'delete from booking_events',
    'delete from bookings',
    'delete from seats',
    `update bookings set user_id = 'budi'`,
    'update bookings set expires_at = now()',
    'update seats set price_amount = 0',
    'update booking_seats set price_amount = 0',
    `update events set name = 'other'`,
    `update idempotency_keys set fingerprint = id`,
    'truncate booking_events',
    'create table mine (id int)',
    'alter table seats add column mine int',
    'alter table bookings disable trigger all',
    'drop index booking_seats_live_seat_key',
    'create function mine() returns int language sql as $$ select 1 $$',
    `insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 1)`,
  ])('may not: %s', async (statement) => {
    // 42501 insufficient_privilege, which is also what it means not to be the owner.
    await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the migration command', () => {
  it.each([
    ['postgres://owner@db/shop', 'postgres://shop:secret@db/shop', 'shop'],
    ['postgres://owner@db/shop', 'postgres://owner:secret@db/shop', undefined],
    ['postgres://owner@db/shop', undefined, undefined],
    ['postgres://owner@db/shop', 'postgres://db/shop', undefined],
    ['postgres://owner@db/shop', 'no url', undefined],
  ])('owner %s, services %s: grants to %s', (ownerUrl, serviceUrl, role) => {
    expect(serviceRoleOf(ownerUrl, serviceUrl)).toBe(role);
  });
});
