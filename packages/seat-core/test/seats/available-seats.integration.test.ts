import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Seat } from '../../src/types.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

describe('listAvailableSeats', () => {
  it('lists a random choice of the free seats', async () => {
    const { event, seatIds } = await engine.makeEvent(40);
    await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const choices = new Set<string>();
    for (let read = 0; read < 12; read += 1) {
      const { seats, asOf } = await engine.core.listAvailableSeats({ eventId: event.id, limit: 5 });
      expect(seats).toHaveLength(5);
      expect(new Set(seats.map((seat) => seat.id)).size).toBe(5);
      expect(seats.every((seat) => seat.status === 'AVAILABLE' && seat.id !== seatIds[0])).toBe(true);
      expect(Date.now() - asOf.getTime()).toBeLessThan(1_500);
      choices.add(seats.map((seat) => seat.id).join());
    }
    expect(choices.size).toBeGreaterThan(1);
  });

  it('caches the list of free seats in Redis for a second at most', async () => {
    const { event } = await engine.makeEvent(3);
    await engine.core.listAvailableSeats({ eventId: event.id });
    const key = `seats:available:${event.id}`;
    const list = JSON.parse((await engine.redis.get(key))!) as Seat[];
    expect(list).toHaveLength(3);
    expect(list[0]).toMatchObject({ eventId: event.id, section: 'Stalls', row: 'A', status: 'AVAILABLE' });
    const lifetime = await engine.redis.pttl(key);
    expect(lifetime).toBeGreaterThan(0);
    expect(lifetime).toBeLessThanOrEqual(1_000);
  });

  it('loads the list of free seats once for 60 callers at once in two engines', async () => {
    const { event } = await engine.makeEvent(3);
    const before = engine.statements.length;
    const others = engine.withSettings({});
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        (n % 2 === 0 ? engine.core : others).listAvailableSeats({ eventId: event.id }),
      ),
    );
    expect(answers.every(({ seats }) => seats.length === 3)).toBe(true);
    expect(engine.statements.slice(before).filter((name) => name === 'available-of-event')).toHaveLength(1);
  });

  it('reads free seats and seat map from PostgreSQL at most once a second', async () => {
    // The probe of the circuit breaker and the renewal of plans belong to no read.
    const ofReads = () => [
      ...engine.statements.filter((name) => name !== 'read-state'),
      ...engine.queries.filter((text) => text !== 'discard plans'),
    ];
    const sent = () => ofReads().length;
    const inOneSecond = await waitFor(
      async () => {
        // Another event for each attempt: list and map are new.
        const { event } = await engine.makeEvent(3);
        const eventId = event.id;
        const readBoth = async () =>
          Promise.all([engine.core.listAvailableSeats({ eventId }), engine.core.getSeatMap({ eventId })]);
        const startedAt = performance.now();
        await readBoth();
        const before = sent();
        for (let n = 0; n < 50; n += 1) await readBoth();
        const statements = sent() - before;
        return performance.now() - startedAt < 900 ? { statements } : undefined;
      },
      { description: 'a hundred reads within a second', timeoutMs: 20_000 },
    );
    expect(inOneSecond.statements).toBe(0);
  });

  it('lists free seats of all coming events when no event is named', async () => {
    const one = await engine.makeEvent(2);
    const { seats } = await engine.core.listAvailableSeats({ limit: 100 });
    expect(new Set(seats.map((seat) => seat.eventId)).size).toBeGreaterThan(1);
    const past = await engine.core.createEvent({
      name: 'Gamelan Night',
      venue: 'Gedung Kesenian',
      startsAt: new Date('2020-01-01T00:00:00Z'),
      sections: [{ name: 'Stalls', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 1 }] }],
    });
    await expect
      .poll(
        async () => (await engine.core.listAvailableSeats({ limit: 100 })).seats.map((seat) => seat.eventId),
        {
          timeout: 2_500,
        },
      )
      .toContain(one.event.id);
    expect(
      (await engine.core.listAvailableSeats({ limit: 100 })).seats.map((seat) => seat.eventId),
    ).not.toContain(past.id);
  });

  it('lists no free seat when all are held', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    expect((await engine.core.listAvailableSeats({ eventId: event.id })).seats).toEqual([]);
  });

  it('refuses a limit of free seats out of bounds', async () => {
    for (const limit of [0, 101, 2.5]) {
      expect((await refusal(engine.core.listAvailableSeats({ limit }))).code).toBe('VALIDATION_FAILED');
    }
  });
});
