import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const statusKey = (seatId: string) => `status:seat:${seatId}`;

describe('the gatekeeper', () => {
  it('the status key of a hold expires at its deadline by itself', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.withSettings({ holdSeconds: 0.2 }).holdSeats({ seatIds, userId: 'ani' });
    expect(await engine.redis.get(statusKey(seatIds[0]))).toBe('RESERVED');
    await expect.poll(() => engine.redis.exists(statusKey(seatIds[0]))).toBe(0);
    expect((await engine.seatRow(seatIds[0])).status).toBe('RESERVED');
  });

  it('a status key that is neither RESERVED nor SOLD refuses no hold', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.redis.set(statusKey(seatIds[0]), 'broken');
    expect((await engine.core.holdSeats({ seatIds, userId: 'ani' })).status).toBe('PENDING');
  });

  it('the gatekeeper refuses a hold of a taken seat without a statement', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const before = engine.statements.length;
    expect((await refusal(engine.core.holdSeats({ seatIds, userId: 'budi' }))).code).toBe('SEAT_TAKEN');
    expect(engine.statements.slice(before)).toEqual([]);
  });
});
