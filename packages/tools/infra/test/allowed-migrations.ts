/** One migration of each kind that the rule for schema changes allows, on every table that a sale uses. */
export const allowedMigrations = [
  ...['events', 'seats', 'bookings', 'booking_seats', 'booking_events', 'idempotency_keys'].map(
    (table) => `alter table ${table} add column next_note text;
--> statement-breakpoint
alter table public."${table}" add column "next_flag" boolean not null default false`,
  ),
  `create table next_things (id uuid primary key, event_id uuid not null);
create table next_parts (id uuid primary key, thing_id uuid);
alter table next_parts add constraint next_fkey foreign key (thing_id) references next_things (id);
create unique index next_things_key on next_things (event_id)`,
  `create table next_state (id smallint primary key default 1);
insert into next_state default values`,
  `alter table bookings add column next_fee numeric(10, 2) not null default 0, add column next_code text,
  add column next_at timestamp (3) with time zone default now() not null, add column next_tags jsonb not null default '{"by":";"}'::jsonb`,
  'alter table bookings add constraint next_total check (total_amount >= 0) not valid',
  `-- outside a transaction
drop index concurrently if exists next_bookings_by_user;
--> statement-breakpoint
create index concurrently next_bookings_by_user on bookings (user_id);
--> statement-breakpoint
alter table bookings validate constraint next_total;
--> statement-breakpoint
reindex index concurrently seats_place_key`,
];
