import { SeatCoreError } from '../errors.ts';
import type { SeatCoreLogger } from '../options.ts';
import { provesRollback } from './error-mapping.ts';

/** One error of a batch reaches each of its requests, and is logged once. */
const logged = new WeakSet<object>();

/**
 * Runs the part of a verb that commits, to the verb's answer. An unexpected error in it may come after the commit, such as
 * from a row that the code cannot read: unless PostgreSQL proves a rollback, the outcome is unknown, and a caller with an
 * idempotency key may try again.
 *
 * @throws DEPENDENCY_UNAVAILABLE with `outcome: 'unknown'` for such an error, which is logged: it is a bug; else what
 *   the work throws
 */
export async function withKnownOutcome<T>(logger: SeatCoreLogger, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SeatCoreError || provesRollback(error)) throw error;
    const isObject = typeof error === 'object' && error !== null;
    if (!isObject || !logged.has(error))
      logger.error({ err: error }, 'unexpected error: the commit may have happened');
    if (isObject) logged.add(error);
    throw new SeatCoreError(
      'DEPENDENCY_UNAVAILABLE',
      'an unexpected error, perhaps after the commit',
      { outcome: 'unknown' },
      { cause: error },
    );
  }
}
