import type { CheckResult } from './audit-invariants.ts';
import { replayBookings } from './replay-bookings.ts';
import { replaySeats } from './replay-seats.ts';
import { withSnapshot } from './read-transaction.ts';

export interface ReplayOptions {
  /** `postgres://…`; a role that may read the tables. A replica will do. */
  readonly databaseUrl: string;
  readonly timeLimitSeconds: number;
  /** Ends it at once. */
  readonly signal?: AbortSignal;
  /** Called often, with how many records of bookings or transitions of seats were replayed so far. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  readonly part: 'bookings' | 'seats';
  readonly done: number;
}

export interface ReplayReport {
  readonly at: Date;
  /** What was replayed: records of bookings, and transitions of seats, of which a record may have several. */
  readonly records: number;
  readonly transitions: number;
  readonly results: readonly CheckResult[];
}

/**
 * Builds bookings, order lines and seats again from `booking_events` alone and compares them, row by row, with the
 * tables, in one snapshot. Both sides are read in the same order and merged, so that memory does not grow with
 * the history; PostgreSQL sorts, on disk where it must.
 *
 * @throws TimeLimitError when it takes too long; the driver's error when PostgreSQL does not answer
 */
export async function replayHistory(options: ReplayOptions): Promise<ReplayReport> {
  return withSnapshot(options, async (snapshot) => {
    const bookings = await replayBookings(snapshot, (done) =>
      options.onProgress?.({ part: 'bookings', done }),
    );
    const seats = await replaySeats(snapshot, (done) => options.onProgress?.({ part: 'seats', done }));
    return {
      at: snapshot.at,
      records: bookings.records,
      transitions: seats.transitions,
      results: [...bookings.results, seats.result],
    };
  });
}
