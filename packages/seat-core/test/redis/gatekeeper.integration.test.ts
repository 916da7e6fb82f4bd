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

  it('a process that follows an event refuses its sold seats without Redis and without a statement', async () => {
    const { event, seatIds } = await engine.makeEvent(2);
    const { id } = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: id, ownedBy: 'ani', actor: 'ani' });
    const following = await engine.core.subscribeToSeats({ eventId: event.id, onMessage: () => {} });
    await engine.redis.del(statusKey(seatIds[0]));
    await engine.redis.set(statusKey(seatIds[1]!), 'RESERVED', 'EX', 60);
    const before = engine.statements.length;
    const refused = await refusal(engine.core.holdSeats({ seatIds, userId: 'budi' }));
    expect(refused).toMatchObject({ code: 'SEAT_TAKEN', details: { seatIds } });
    const first = await refusal(engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'budi' }));
    expect(first).toMatchObject({ code: 'SEAT_TAKEN', details: { seatIds: [seatIds[0]] } });
    expect(engine.statements.slice(before)).toEqual([]);
    following.close();
  });

  it('a seat that one process released is held by another at once, also when that one follows its event and missed the release', async () => {
    const other = engine.withSettings({});
    const { event, seatIds } = await engine.makeEvent(1);
    let known: string | undefined;
    const following = await other.subscribeToSeats({
      eventId: event.id,
      onMessage: (message) => {
        known = message.seats.find(({ id }) => id === seatIds[0])?.status ?? known;
      },
    });
    for (let round = 0; round < 3; round += 1) {
      const held = await engine.core.holdSeats({ seatIds, userId: 'ani' });
      await expect.poll(() => known, { timeout: 5_000 }).toBe('RESERVED');
      await engine.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await engine.core.releaseBooking({ bookingId: held.id, ownedBy: 'ani', actor: 'ani' });
      const next = await other.holdSeats({ seatIds, userId: 'budi' });
      await other.releaseBooking({ bookingId: next.id, ownedBy: 'budi', actor: 'budi' });
      known = undefined;
    }
    following.close();
  });
});
