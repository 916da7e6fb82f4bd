/** The tables of 29 November 2026 that its hold statement touches, with their indexes, checks, triggers and fill factors. */
export const tablesOf29November = `
create table booking_events (
  event_id uuid not null,
  booking_id uuid not null,
  from_status text,
  to_status text not null,
  cause text not null,
  actor text not null,
  request_id text,
  at timestamptz(3) not null,
  seat_ids uuid[] not null,
  seat_versions bigint[] not null,
  user_id text,
  prices bigint[],
  currency text,
  expires_at timestamptz(3),
  constraint booking_events_pkey primary key (event_id, booking_id, to_status),
  constraint booking_events_edge_check check (
    case when from_status is null then to_status = 'PENDING'
    else from_status = 'PENDING' and to_status in ('CONFIRMED', 'EXPIRED', 'CANCELLED') end),
  constraint booking_events_cause_check check (cause in ('hold', 'confirm', 'release', 'job', 'sweep', 'reclaim')),
  constraint booking_events_seats_check check (cardinality(seat_ids) = cardinality(seat_versions)),
  constraint booking_events_creation_check check (
    (to_status = 'PENDING') = (user_id is not null and prices is not null and currency is not null and expires_at is not null))
);
create table booking_seats (
  event_id uuid not null,
  booking_id uuid not null,
  seat_id uuid not null,
  price_amount bigint not null,
  live boolean not null,
  constraint booking_seats_pkey primary key (event_id, booking_id, seat_id)
);
create table bookings (
  id uuid not null,
  event_id uuid not null,
  user_id text not null,
  status text not null,
  seat_count smallint not null,
  total_amount bigint not null,
  currency text not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  confirmed_at timestamptz(3),
  constraint bookings_pkey primary key (id, event_id),
  constraint bookings_status_check check (status in ('PENDING', 'CONFIRMED', 'EXPIRED', 'CANCELLED')),
  constraint bookings_user_id_check check (char_length(user_id) between 1 and 128),
  constraint bookings_seat_count_check check (seat_count >= 1),
  constraint bookings_confirmed_at_check check ((status = 'CONFIRMED') = (confirmed_at is not null))
);
create table events (
  id uuid not null,
  name text not null,
  venue text not null,
  starts_at timestamptz(3) not null,
  sections jsonb not null,
  created_at timestamptz(3) not null,
  sales_open_at timestamptz(3),
  sales_close_at timestamptz(3),
  section_count integer,
  constraint events_pkey primary key (id)
);
create table seats (
  event_id uuid not null,
  id uuid not null,
  section text not null,
  "row" text not null,
  number integer not null,
  price_amount bigint not null,
  currency text not null,
  status text default 'AVAILABLE' not null,
  version bigint default 0 not null,
  constraint seats_pkey primary key (event_id, id),
  constraint seats_place_key unique (event_id, section, "row", number),
  constraint seats_status_check check (status in ('AVAILABLE', 'RESERVED', 'SOLD')),
  constraint seats_number_check check (number >= 1),
  constraint seats_price_check check (price_amount >= 0),
  constraint seats_version_check check (version >= 0)
);
create table idempotency_keys (
  id bytea not null,
  fingerprint bytea not null,
  event_id uuid not null,
  booking_id uuid,
  created_at timestamptz(3) not null,
  constraint idempotency_keys_pkey primary key (id),
  constraint idempotency_keys_id_check check (octet_length(id) = 32),
  constraint idempotency_keys_fingerprint_check check (octet_length(fingerprint) = 32)
);
alter table booking_seats add constraint booking_seats_booking_fkey
  foreign key (booking_id, event_id) references bookings (id, event_id);
alter table booking_seats add constraint booking_seats_seat_fkey
  foreign key (event_id, seat_id) references seats (event_id, id);
create index booking_events_at_idx on booking_events (at);
create unique index booking_seats_live_seat_key on booking_seats (event_id, seat_id) where live;
create index bookings_overdue_idx on bookings (expires_at) where status = 'PENDING';
create index bookings_live_of_user_idx on bookings (event_id, user_id) where status in ('PENDING', 'CONFIRMED');
create index events_starts_at_idx on events (starts_at, id);
create index seats_id_idx on seats (id);
create index idempotency_keys_created_at_idx on idempotency_keys using brin (created_at);

alter table seats set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
alter table bookings set (autovacuum_vacuum_scale_factor = 0.05);
alter table booking_seats set (autovacuum_vacuum_scale_factor = 0.05);

create function refuse_illegal_change() returns trigger language plpgsql as $$
begin
  raise exception '%: illegal change of %: % -> %', tg_name, tg_table_name, to_jsonb(old) ->> 'status', to_jsonb(new) ->> 'status'
    using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
end
$$;
create trigger bookings_start_pending before insert on bookings for each row
  when (new.status <> 'PENDING')
  execute function refuse_illegal_change();
create trigger bookings_legal_edge before update on bookings for each row
  when (
    (new.status <> old.status and (old.status <> 'PENDING' or new.status not in ('CONFIRMED', 'EXPIRED', 'CANCELLED')))
    or (new.id, new.event_id, new.user_id, new.created_at, new.expires_at) is distinct from (old.id, old.event_id, old.user_id, old.created_at, old.expires_at)
  )
  execute function refuse_illegal_change();
create trigger seats_start_available before insert on seats for each row
  when (new.status <> 'AVAILABLE' or new.version <> 0)
  execute function refuse_illegal_change();
create trigger seats_legal_edge before update on seats for each row
  when (
    not (
      (new.status = old.status and new.version = old.version)
      or (old.status = 'AVAILABLE' and new.status = 'RESERVED' and new.version = old.version + 1)
      or (old.status = 'RESERVED' and new.status in ('AVAILABLE', 'SOLD') and new.version = old.version + 1)
      or (old.status = 'RESERVED' and new.status = 'RESERVED' and new.version = old.version + 2)
    )
    or (new.id, new.event_id) is distinct from (old.id, old.event_id)
  )
  execute function refuse_illegal_change();
create trigger booking_events_append_only before update on booking_events for each row
  execute function refuse_illegal_change();`;

/** $1 event id */
export const insertEventOf29November = `
insert into events (id, name, venue, starts_at, sections, created_at, section_count)
values ($1, 'On sale', 'Bench', '2040-01-01T20:00:00Z', '[]', now(), 1)`;

/** $1 event id, $2 seat ids in the order of the map */
export const insertSeatsOf29November = `
insert into seats (event_id, id, section, "row", number, price_amount, currency)
select $1, seat.id, 'Stalls', (1 + (n - 1) / 50)::text, 1 + (n - 1) % 50, 15000000, 'IDR'
from unnest($2::uuid[]) with ordinality as seat(id, n)`;
