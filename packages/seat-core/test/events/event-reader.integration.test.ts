import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

describe('getEvent and listEvents', () => {
  it('lists events page by page, the newest first', async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1) made.unshift((await engine.makeEvent(1)).event.id);
    const first = await engine.core.listEvents({ limit: 2 });
    const second = await engine.core.listEvents({ limit: 2, after: first.next! });
    expect([...first.events, ...second.events].map((event) => event.id)).toEqual(made.slice(0, 4));
    expect(first.next).toBe(made[1]);
    const all = await engine.core.listEvents({ limit: 100 });
    expect(all.next).toBeNull();
    expect(all.events.map((event) => event.id).slice(0, 5)).toEqual(made);
  });

  it('counts the seats of an event at most a second late', async () => {
    const { event, seatIds } = await engine.makeEvent(3);
    const sold = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'ani' });
    await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await expect
      .poll(async () => (await engine.core.getEvent({ eventId: event.id })).seatCounts, { timeout: 2_000 })
      .toEqual({ available: 1, reserved: 1, sold: 1 });
  });

  it('refuses an unknown event as EVENT_NOT_FOUND, and leaves no key for it in Redis', async () => {
    const eventId = randomUUID();
    const verbs = ['getEvent', 'getSeatMap', 'listAvailableSeats', 'listAvailableSeats'] as const;
    for (const verb of verbs)
      expect((await refusal(engine.core[verb]({ eventId }))).code).toBe('EVENT_NOT_FOUND');
    expect(await engine.redis.keys(`*${eventId}*`)).toEqual([]);
  });
});
