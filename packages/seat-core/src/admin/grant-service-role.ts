import pg from 'pg';

/*
 * What the services may do with the tables: no DDL, no more columns than a transition changes, and of the history
 * only its next row. The column of idempotency_keys is for the purge, which locks the rows that it deletes.
 */
const grants = (role: string): readonly string[] => [
  `grant usage on schema public to ${role}`,
  `grant select, insert on events, seats, bookings, booking_seats, booking_events, idempotency_keys to ${role}`,
  `grant update (status, confirmed_at) on bookings to ${role}`,
  `grant update (live) on booking_seats to ${role}`,
  `grant update (status, version) on seats to ${role}`,
  `grant update (created_at), delete on idempotency_keys to ${role}`,
];

/**
 * Lets a role serve: hold, confirm, release, expire, sweep, audit and purge, and nothing else.
 *
 * @param client of the role that owns the tables
 * @param role exists, and can log in
 */
export async function grantServiceRole(client: pg.Client, role: string): Promise<void> {
  for (const grant of grants(pg.escapeIdentifier(role))) await client.query(grant);
}
