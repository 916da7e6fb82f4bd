import type { CheckResult } from '../audit.ts';
import { rebuildBookings } from './rebuild-bookings.ts';
import { rebuildSeats } from './rebuild-seats.ts';
import { withReadTransaction } from '../read-transaction.ts';

export interface RebuildOptions {
  /** `postgres://…`; a role that may read the tables. A replica will do. */
  readonly databaseUrl: string;
  readonly timeLimitSeconds: number;
  /** Ends it at once. */
  readonly signal?: AbortSignal;
  /** Called often, with the number of booking records or seat transitions read so far. */
  readonly onProgress?: (progress: RebuildProgress) => void;
}

export interface RebuildProgress {
  readonly table: 'bookings' | 'seats';
  readonly done: number;
}

export interface RebuildReport {
  readonly at: Date;
  /** Records of bookings that were read, and transitions of seats, of which a record may have several. */
  readonly records: number;
  readonly transitions: number;
  readonly results: readonly CheckResult[];
}

/**
 * Rebuilds bookings, order lines and seats from `booking_events` alone and compares them, row by row, with the tables,
 * in one read transaction. Both sides are read in the same order and merged, so memory does not grow with the history;
 * PostgreSQL sorts, on disk where it must.
 *
 * @throws TimeLimitError when it takes too long; the driver's error when PostgreSQL does not answer
 */
export async function rebuildFromHistory(options: RebuildOptions): Promise<RebuildReport> {
  return withReadTransaction(options, async (transaction) => {
    const bookings = await rebuildBookings(transaction, (done) =>
      options.onProgress?.({ table: 'bookings', done }),
    );
    const seats = await rebuildSeats(transaction, (done) => options.onProgress?.({ table: 'seats', done }));
    return {
      at: transaction.at,
      records: bookings.records,
      transitions: seats.transitions,
      results: [...bookings.results, seats.result],
    };
  });
}
