import { DrizzleQueryError } from 'drizzle-orm';
import pg from 'pg';
import { SeatCoreError } from '../errors.ts';
import { CircuitOpenError } from '../resilience/circuit-breaker.ts';
import { CommitsWaitError } from '../resilience/commit-gate.ts';
import { DeadlineError } from '../resilience/deadline.ts';

/*
 * What an error of the database says about the work that met it. An SQLSTATE is PostgreSQL's own word that the
 * statement was rolled back, unless it is about the connection (08) or a server that is shutting down (57P): these
 * may come after a commit whose answer was lost.
 */

const mayFollowCommit = /^(08|57P)/;

/** 25P03: PostgreSQL ended a session that was idle within its transaction. */
const sessionEnded = /^(08|57P|25P03)/;

/** The server is down, full, broken or a standby. Any other state is the refusal of one statement. */
const meansOutage = /^(08|53|57P|58|25006|25P03)/;

/** Down or full, connection lost, timeout, deadlock, another transaction's lock, or a standby where the primary was: worth another try. */
const isTransient = /^(08|40|53|57|58|25006|25P03|55P03)/;

/** No connection could be had, so nothing was sent. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}

/** More callers wait for a connection than PostgreSQL serves in time. */
export class NoFreeConnectionError extends Error {
  override readonly name = 'NoFreeConnectionError';
}

export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** A bug of ours, or a row that the driver cannot read: it says nothing about PostgreSQL. */
function isBug(error: unknown): boolean {
  return [TypeError, RangeError, SyntaxError, ReferenceError].some((kind) => error instanceof kind);
}

/** Whether nothing of the statement can have been committed, by the error or by its cause. */
export function provesRollback(error: unknown): boolean {
  const state = sqlStateOf(error instanceof SeatCoreError ? error.cause : error);
  return state !== undefined && !mayFollowCommit.test(state);
}

/** Whether the session is gone, so that its connection is of no use. */
export function endsConnection(error: unknown): boolean {
  return sessionEnded.test(sqlStateOf(error) ?? '');
}

/** Whether the constraint of this name refused the statement. */
export function isViolationOf(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.constraint === constraint;
}

/** Whether another transaction kept a row, or a key, locked for longer than a request waits. */
export function isLockTimeout(error: unknown): boolean {
  return sqlStateOf(error) === '55P03';
}

/** Whether that wait was for the transaction that writes the same key of this index: PostgreSQL names it in the context. */
export function isLockTimeoutAt(error: unknown, index: string): boolean {
  return isLockTimeout(error) && ((error as pg.DatabaseError).where ?? '').includes(`"${index}"`);
}

/** Whether PostgreSQL is down, rather than that it refuses this statement or that the statement is slow. */
export function isPostgresOutage(thrown: unknown): boolean {
  if (thrown instanceof SeatCoreError || thrown instanceof NoFreeConnectionError) return false;
  const error = driverErrorOf(thrown);
  const state = sqlStateOf(error);
  return state === undefined ? !isBug(error) : meansOutage.test(state);
}

/** The server ends a statement sooner than the client gives it up, so no answer at all means a server that is frozen. */
export function isSilence(thrown: unknown): boolean {
  return driverErrorOf(thrown) instanceof DeadlineError;
}

/**
 * The one mapping of database errors: an outage, or a lock that another transaction kept for too long, becomes
 * DEPENDENCY_UNAVAILABLE, a queue that is too long OVERLOADED. Any other error, such as a bug of ours, comes back unchanged;
 * `withKnownOutcome` says what it means after a commit.
 *
 * @param sendsCommit whether the work sends a commit: when its answer is lost, the outcome is unknown
 */
export function toSeatCoreError(thrown: unknown, sendsCommit: boolean): unknown {
  if (thrown instanceof SeatCoreError) return thrown;
  const options = { cause: driverErrorOf(thrown) };
  if (thrown instanceof NoFreeConnectionError)
    return new SeatCoreError('OVERLOADED', 'too many callers wait for PostgreSQL', {}, options);
  const state = sqlStateOf(options.cause);
  if (isBug(options.cause) || (state !== undefined && !isTransient.test(state))) return options.cause;
  const wasSent = ![CircuitOpenError, NotConnectedError, CommitsWaitError].some(
    (kind) => thrown instanceof kind,
  );
  const isUnknown = sendsCommit && wasSent && !provesRollback(options.cause);
  return new SeatCoreError(
    'DEPENDENCY_UNAVAILABLE',
    isLockTimeout(options.cause) ? 'another transaction holds the lock' : 'PostgreSQL does not answer',
    isUnknown ? { outcome: 'unknown' } : {},
    options,
  );
}

/** Drizzle wraps the driver's error in one whose message shows SQL and parameters; ours wrap it, too. */
function driverErrorOf(thrown: unknown): unknown {
  const isWrapper = thrown instanceof DrizzleQueryError || thrown instanceof NotConnectedError;
  return isWrapper || thrown instanceof NoFreeConnectionError ? thrown.cause : thrown;
}
