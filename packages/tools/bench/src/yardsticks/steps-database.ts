import { createDatabase, withDatabase } from '../rig/stores.ts';

const schema = `
create table steps_seats (
  id uuid primary key,
  event_id uuid not null,
  section text not null,
  row text not null,
  number integer not null,
  price_amount bigint not null,
  status text not null default 'AVAILABLE'
);
create index on steps_seats (status);
create index on steps_seats (event_id, status);
create table steps_bookings (
  id uuid primary key,
  seat_id uuid not null unique references steps_seats (id),
  user_id text not null,
  status text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index on steps_bookings (status);`;

/** The tables of `steps-service`, in a database of their own on the same PostgreSQL. @returns its address */
export async function createStepsDatabase(databaseUrl: string): Promise<string> {
  const url = await createDatabase(databaseUrl, 'steps');
  await withDatabase(url, (client) => client.query(schema));
  return url;
}

export async function fillStepsSeats(stepsDatabaseUrl: string, seatIds: readonly string[]): Promise<void> {
  const text = `insert into steps_seats (id, event_id, section, row, number, price_amount)
    select id, gen_random_uuid(), 'Stalls', ((n - 1) / 50)::text, 1 + (n - 1) % 50, 15000000
    from unnest($1::uuid[]) with ordinality as seat(id, n)`;
  await withDatabase(stepsDatabaseUrl, (client) => client.query(text, [seatIds]));
}
