import { atOnce } from '@ticketing/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
beforeEach(async () => {
  await engine.pool.query('truncate idempotency_keys');
});
afterAll(async () => engine[Symbol.asyncDispose]());

async function addKeys(count: number, age: string): Promise<void> {
  await engine.pool.query(
    `insert into idempotency_keys (id, fingerprint, event_id, created_at)
     select sha256(convert_to($2 || n, 'UTF8')), sha256('request'), gen_random_uuid(), clock_timestamp() - $2::interval
     from generate_series(1, $1) n`,
    [count, age],
  );
}

async function remaining(): Promise<number> {
  const { rows } = await engine.pool.query<{ n: number }>('select count(*)::int as n from idempotency_keys');
  return rows[0]!.n;
}

describe('purgeIdempotencyKeys', () => {
  it('deletes the idempotency keys that are older than a day, and no others', async () => {
    await addKeys(3, '24 hours 1 second');
    await addKeys(5, '23 hours 59 minutes');
    await addKeys(1, '0 seconds');
    expect(await engine.core.purgeIdempotencyKeys()).toBe(3);
    expect(await remaining()).toBe(6);
    expect(await engine.core.purgeIdempotencyKeys()).toBe(0);
  });

  it('deletes at most `limit` idempotency keys at a time', async () => {
    await addKeys(7, '2 days');
    expect(await engine.core.purgeIdempotencyKeys({ limit: 5 })).toBe(5);
    expect(await engine.core.purgeIdempotencyKeys({ limit: 5 })).toBe(2);
  });

  it('is shared by eight purges at once, and none waits for another', async () => {
    await addKeys(2_000, '2 days');
    const results = await atOnce(8, () => engine.core.purgeIdempotencyKeys({ limit: 250 }));
    const purged = results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason));
    expect(purged.every((count) => typeof count === 'number')).toBe(true);
    expect(2_000 - purged.reduce((sum, count) => sum + count, 0)).toBe(await remaining());
    while ((await engine.core.purgeIdempotencyKeys()) > 0);
    expect(await remaining()).toBe(0);
  });

  it('refuses a limit of the purge out of bounds', async () => {
    for (const limit of [0, 10_001, 1.5]) {
      expect((await refusal(engine.core.purgeIdempotencyKeys({ limit }))).code).toBe('VALIDATION_FAILED');
    }
  });
});
