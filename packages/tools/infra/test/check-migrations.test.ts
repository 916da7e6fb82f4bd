import { describe, expect, it } from 'vitest';
import { checkMigration, checkMigrations } from '../src/checks/migrations.ts';
import { allowedMigrations } from './allowed-migrations.ts';

describe('the rule for schema changes', () => {
  it('is kept by every migration since the first build', async () => {
    const { read, findings } = await checkMigrations();
    expect(read).toBeGreaterThan(0);
    expect(findings).toEqual([]);
  });

  it.each([
    'alter table seats drop column version',
    'drop table bookings',
    'alter table seats rename column "row" to row_name',
    'alter table bookings alter column total_amount type numeric',
    'alter table bookings alter column note set not null',
    'alter table bookings add column channel text not null',
    'alter table bookings add note text not null',
    'alter table bookings add constraint positive check (total_amount > 0)',
    'alter table bookings add unique (user_id)',
    'alter table bookings add check (total_amount > 0)',
    'alter table bookings add primary key (id)',
    'alter table bookings add foreign key (event_id) references events (id)',
    'alter table bookings add constraint of_event foreign key (event_id) references events (id) not valid',
    'create index bookings_by_user on bookings (user_id)',
    'create index keys_by_event on idempotency_keys (event_id)',
    'create index concurrently bookings_by_user on bookings (user_id)',
    '-- outside a transaction\ncreate index concurrently bookings_by_user on bookings (user_id)',
    '-- outside a transaction\ndrop index concurrently if exists bookings_overdue_idx',
    '-- outside a transaction\ncreate unique index concurrently bookings_by_user on bookings (user_id)',
    '-- outside a transaction\nalter table bookings add column note text',
    'alter table bookings validate constraint next_total',
    'alter table bookings drop constraint bookings_status_check',
    'drop index booking_seats_live_seat_key',
    'drop trigger bookings_legal_edge on bookings',
    'create trigger every_hold before insert on bookings for each row execute function refuse_illegal_change()',
    'create or replace function refuse_illegal_change() returns trigger language plpgsql as $$ begin return new; end $$',
    'alter table bookings disable trigger all',
    'alter table seats alter column status drop default',
    'alter table seats set schema archive',
    'alter table bookings add column channel text not null, add column note text default null',
    'alter table bookings add column fee numeric(10, 2) not null, add column flag boolean default false',
    'alter table bookings add column code uuid default gen_random_uuid()',
    'alter table bookings add column serial_number bigserial',
    'alter table bookings add column payer_id uuid references payers (id)',
    'alter table bookings add column code text unique',
    `alter table bookings add column code text default ''::text unique`,
    'create table things (id uuid primary key, booking_id uuid references bookings)',
    'create table if not exists bookings (id uuid)',
    'alter table seats add column note text; alter table bookings add column note text',
    `delete from bookings where status = 'EXPIRED'`,
    `update bookings set currency = 'IDR'`,
    'truncate idempotency_keys',
    'insert into events default values',
    'create table things (id int); insert into things select n from generate_series(1, 9) as n',
    'revoke update on seats from ticketing_service',
    'lock table bookings',
    'vacuum full seats',
    'reindex index seats_place_key',
  ])('refuses: %s', async (sql) => {
    expect(await checkMigration(sql)).toHaveLength(1);
    expect(await checkMigration(`-- contract: no build since 0.4 reads it\n${sql}`)).toEqual([]);
  });

  it('refuses to drop an index that an earlier migration made', async () => {
    const made = 'create unique index booking_seats_live_seat_key on booking_seats (seat_id) where live';
    const again = `-- outside a transaction
drop index concurrently if exists booking_seats_live_seat_key;
create index concurrently booking_seats_live_seat_key on booking_seats (seat_id)`;
    expect(await checkMigration(again)).toEqual([]);
    expect(await checkMigration(again, made)).toHaveLength(1);
  });

  it.each(allowedMigrations)('allows: %s', async (sql) => {
    expect(await checkMigration(sql)).toEqual([]);
  });
});
