/** Begins the transaction, sent one by one. */
export const beginReading = [
  'begin isolation level repeatable read, read only',
  // PostgreSQL ends a query within a second after its client is gone.
  'set local client_connection_check_interval = 1000',
  'set local max_parallel_workers_per_gather = 0',
  // Every cursor is read to its end, so PostgreSQL should plan for all rows.
  'set local cursor_tuple_fraction = 1',
] as const;

export const readMoment = 'select clock_timestamp() as at';

export const limitStatement = (ms: number): string => `set local statement_timeout = ${ms}`;

export const declareCursor = (cursor: string, query: string): string =>
  `declare ${cursor} no scroll cursor for ${query}`;

export const fetchRows = (count: number, cursor: string): string => `fetch ${count} from ${cursor}`;

export const closeCursor = (cursor: string): string => `close ${cursor}`;
