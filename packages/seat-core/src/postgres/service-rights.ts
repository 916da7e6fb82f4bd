/** A right of the role of the services on a table, or on some of its columns. */
export interface ServiceRight {
  readonly privilege: 'select' | 'insert' | 'update' | 'delete';
  readonly table: string;
  /** All columns when absent. */
  readonly columns?: readonly string[];
}

const tables = [
  'events',
  'seats',
  'seat_blocks',
  'bookings',
  'booking_seats',
  'booking_events',
  'idempotency_keys',
];

/**
 * The rights of the services: no DDL, no more columns than a transition changes, and of the history only inserts. The
 * column of idempotency_keys is for the purge, which locks the rows that it deletes. `grants` grants them; the start-up
 * check asks for them.
 */
export const serviceRights: readonly ServiceRight[] = [
  ...tables.flatMap((table): ServiceRight[] => [
    { privilege: 'select', table },
    { privilege: 'insert', table },
  ]),
  { privilege: 'update', table: 'bookings', columns: ['status', 'confirmed_at'] },
  { privilege: 'update', table: 'booking_seats', columns: ['live'] },
  { privilege: 'update', table: 'seats', columns: ['status', 'version'] },
  { privilege: 'update', table: 'seat_blocks', columns: ['available', 'reserved', 'sold'] },
  { privilege: 'select', table: 'seat_counting' },
  {
    privilege: 'update',
    table: 'seat_counting',
    columns: ['at', 'counted_until', 'seen_before', 'walked_event_id', 'walked_seat_id'],
  },
  { privilege: 'update', table: 'idempotency_keys', columns: ['created_at'] },
  { privilege: 'delete', table: 'idempotency_keys' },
];
