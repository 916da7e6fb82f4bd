import { withDatabase } from './stores.ts';

/** The tables of the architecture page, with its indexes, in a database of their own on the same PostgreSQL. */
const schema = `
create table page_seats (
  id uuid primary key,
  event_id uuid not null,
  section text not null,
  row text not null,
  number integer not null,
  price_amount bigint not null,
  status text not null default 'AVAILABLE'
);
create index on page_seats (status);
create index on page_seats (event_id, status);
create table page_bookings (
  id uuid primary key,
  seat_id uuid not null unique references page_seats (id),
  user_id text not null,
  status text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index on page_bookings (status);`;

/** @returns its address */
export async function createPageDatabase(databaseUrl: string): Promise<string> {
  await withDatabase(databaseUrl, (client) => client.query('create database page'));
  const url = new URL(databaseUrl);
  url.pathname = '/page';
  await withDatabase(url.href, (client) => client.query(schema));
  return url.href;
}

export async function fillPageSeats(pageDatabaseUrl: string, seatIds: readonly string[]): Promise<void> {
  await withDatabase(pageDatabaseUrl, async (client) => {
    await client.query(
      `insert into page_seats (id, event_id, section, row, number, price_amount)
       select id, gen_random_uuid(), 'Stalls', ((n - 1) / 50)::text, 1 + (n - 1) % 50, 150000
       from unnest($1::uuid[]) with ordinality as seat(id, n)`,
      [seatIds],
    );
  });
}
