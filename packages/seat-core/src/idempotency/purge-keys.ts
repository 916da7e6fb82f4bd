import type { Connections } from '../postgres/connections.ts';
import { InputCheck } from '../validation.ts';
import { purgeKeysStatement } from './idempotency.sql.ts';

/** A key is kept this long at least; the same request sent later is a new one. */
const keptHours = 24;

/**
 * Deletes idempotency keys that are older than a day, so few at a time that no request waits for it. Any number of
 * processes may do so at once: each skips the rows that another one is deleting.
 *
 * @returns how many it deleted; `limit` means there may be more
 */
export async function purgeIdempotencyKeys(
  connections: Connections,
  input: { readonly limit?: number } = {},
): Promise<number> {
  const check = new InputCheck(input);
  const limit = check.integer('/limit', input.limit ?? 1_000, 1, 10_000);
  check.throwIfAny();
  const [row] = await connections.commit<{ purged: number }>(purgeKeysStatement, [limit, keptHours]);
  return row?.purged ?? 0;
}
