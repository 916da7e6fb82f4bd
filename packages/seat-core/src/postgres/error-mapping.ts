import { DrizzleQueryError } from 'drizzle-orm';
import pg from 'pg';
import { SeatCoreError } from '../errors.ts';

/*
 * What an error of the database says about what was asked of it. An SQLSTATE is PostgreSQL's own word that the
 * statement was rolled back, unless it is about the connection (08) or the server going away (57P), which may
 * come after a commit whose answer was lost.
 */

const endsConnection = /^(08|57P)/;

/** Server gone or full, connection gone, time-out, deadlock, or a standby where the primary was: worth another try. */
const isPassing = /^(08|40|53|57|58|25006)/;

export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Whether nothing of the statement can have been committed, by the error or by that behind it. */
export function provesRollback(error: unknown): boolean {
  const state = sqlStateOf(error instanceof SeatCoreError ? error.cause : error);
  return state !== undefined && !endsConnection.test(state);
}

/** Whether a constraint of this name refused. */
export function isViolationOf(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.constraint === constraint;
}

/** Whether somebody else kept a row, or a key, locked for longer than a request waits. */
export function isLockTimeout(error: unknown): boolean {
  return sqlStateOf(error) === '55P03';
}

/**
 * Turns what the driver throws while PostgreSQL is away into DEPENDENCY_UNAVAILABLE, and a wait for somebody else's
 * lock that took too long into SEAT_LOCKED. Anything else, a fault of ours among them, comes back as it is.
 *
 * @param commitWasSent whether the answer that was lost may have been that of a commit
 */
export function toSeatCoreError(thrown: unknown, commitWasSent: boolean): unknown {
  if (thrown instanceof SeatCoreError) return thrown;
  // Drizzle wraps the driver's error in one whose message shows SQL and parameters.
  const error = thrown instanceof DrizzleQueryError ? thrown.cause : thrown;
  const state = sqlStateOf(error);
  if (isLockTimeout(error)) {
    return new SeatCoreError('SEAT_LOCKED', 'another transaction is deciding', {}, { cause: error });
  }
  if (state !== undefined && !isPassing.test(state)) return error;
  const isUnknown = commitWasSent && !provesRollback(error);
  return new SeatCoreError(
    'DEPENDENCY_UNAVAILABLE',
    'PostgreSQL does not answer',
    isUnknown ? { outcome: 'unknown' } : {},
    { cause: error },
  );
}
