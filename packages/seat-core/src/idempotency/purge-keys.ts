import type { Context } from '../options.ts';
import { InputCheck } from '../validation.ts';
import { commitStatement, type NamedStatement } from '../postgres/statement.ts';

/** How long a key is kept at least; whoever repeats a request later than that makes a new one. */
const keptHours = 24;

/**
 * Deletes idempotency keys that were kept long enough, so few at a time that nobody waits for it. Any number may
 * do so at once: each passes over what another one is deleting.
 *
 * @returns how many; `limit` means there may be more
 */
export async function purgeIdempotencyKeys(
  context: Context,
  input: { readonly limit?: number } = {},
): Promise<number> {
  const check = new InputCheck();
  const limit = check.integer('/limit', input.limit ?? 1_000, 1, 10_000);
  check.throwIfAny();
  const [row] = await commitStatement<{ purged: number }>(context, purgeKeysStatement, [limit, keptHours]);
  return row?.purged ?? 0;
}

/** By their place in the table: what the summaries of its page ranges find needs no second look-up by id. */
const purgeKeysStatement: NamedStatement = {
  name: 'purge-idempotency-keys',
  text: `
with purged as (
  delete from idempotency_keys
  where ctid = any(array(
    select ctid from idempotency_keys
    where created_at < now() - make_interval(hours => $2)
    limit $1
    for update skip locked
  ))
  returning 1
)
select count(*)::int as purged from purged`,
};
