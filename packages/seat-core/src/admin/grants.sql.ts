/**
 * The rights of the services: no DDL, no more columns than a transition changes, and of the history only inserts. The
 * column of idempotency_keys is for the purge, which locks the rows that it deletes.
 *
 * @param role a quoted identifier
 */
export const grantsOf = (role: string): readonly string[] => [
  `grant usage on schema public to ${role}`,
  `grant select, insert on events, seats, bookings, booking_seats, booking_events, idempotency_keys to ${role}`,
  `grant update (status, confirmed_at) on bookings to ${role}`,
  `grant update (live) on booking_seats to ${role}`,
  `grant update (status, version) on seats to ${role}`,
  `grant update (created_at), delete on idempotency_keys to ${role}`,
];
