import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const seatLockKey = (seatId: string) => `lock:seat:${seatId}`;
/** Keeps a hold waiting in PostgreSQL, its seats locked in Redis. */
const lockLines = 'lock table booking_seats in share mode';

describe('the seat lock', () => {
  it('refuses a hold while another request has locked a seat, and locks none of its seats', async () => {
    const { seatIds } = await engine.makeEvent(3);
    await engine.redis.set(seatLockKey(seatIds[1]!), 'budi:other', 'EX', 5);
    expect((await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }))).code).toBe('SEAT_LOCKED');
    expect(await engine.redis.exists(seatLockKey(seatIds[0]), seatLockKey(seatIds[2]!))).toBe(0);
    expect((await engine.seatRow(seatIds[0])).status).toBe('AVAILABLE');
  });

  it('a request whose lock passed to another request does not free that lock', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const held = await engine.whileLocked(lockLines, async () => {
      const holding = engine.core.holdSeats({ seatIds, userId: 'ani' });
      await expect.poll(() => engine.redis.get(seatLockKey(seatIds[0]))).toMatch(/^ani:/);
      await engine.redis.set(seatLockKey(seatIds[0]), 'budi:other', 'EX', 60);
      return { holding };
    });
    expect((await held.holding).status).toBe('PENDING');
    expect(await engine.redis.get(seatLockKey(seatIds[0]))).toBe('budi:other');
  });

  it('a seat lock names its holder, is unique to the request and ends by itself', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const held = await engine.whileLocked(lockLines, async () => {
      const holding = engine.core.holdSeats({ seatIds, userId: 'ani' });
      await expect.poll(() => engine.redis.get(seatLockKey(seatIds[0]))).toMatch(/^ani:[0-9a-f-]{36}$/);
      const lifetime = await engine.redis.pttl(seatLockKey(seatIds[0]));
      expect(lifetime).toBeGreaterThan(3_000);
      expect(lifetime).toBeLessThanOrEqual(5_000);
      return { holding };
    });
    await held.holding;
    expect(await engine.redis.exists(seatLockKey(seatIds[0]))).toBe(0);
  });

  it('the requests of a commit that fails give their locks back', async () => {
    const { seatIds } = await engine.makeEvent(3);
    const holds = await engine.whileLocked(lockLines, async () =>
      Promise.all(
        seatIds.map((seatId, n) =>
          refusal(engine.core.holdSeats({ seatIds: [seatId], userId: `buyer-${n}` })),
        ),
      ),
    );
    expect(holds.map(({ code }) => code)).toEqual(seatIds.map(() => 'SEAT_LOCKED'));
    expect(await engine.redis.exists(...seatIds.map(seatLockKey))).toBe(0);
  });
});
