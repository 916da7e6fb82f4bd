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

  it('lists an event of more than 50 sections without them, and shows all of them where it is asked for', async () => {
    const eventOf = (sectionCount: number) =>
      engine.core.createEvent({
        name: 'Festival',
        venue: 'Arena',
        startsAt: new Date(Date.now() + 86_400_000),
        sections: Array.from({ length: sectionCount }, (_, index) => ({
          name: `S${index}`,
          price: { amount: 1, currency: 'IDR' },
          rows: [{ name: 'A', seats: 1 }],
        })),
      });
    const large = await eventOf(51);
    const small = await eventOf(50);
    const listed = async () => {
      const { events } = await engine.core.listEvents({ limit: 2 });
      return events.map(({ id, sections, sectionCount }) => [id, sections.length, sectionCount]);
    };
    const expected = [
      [small.id, 50, 50],
      [large.id, 0, 51],
    ];
    expect(await listed()).toEqual(expected);
    const shown = await engine.core.getEvent({ eventId: large.id });
    expect([shown.sections.length, shown.sectionCount]).toEqual([51, 51]);
    // An event that another build created has no number of sections in its row.
    await engine.pool.query('update events set section_count = null');
    expect(await listed()).toEqual(expected);
    const others = engine.withSettings({});
    expect((await others.getEvent({ eventId: large.id })).sectionCount).toBe(51);
  });

  it('reads no section of a large event for a list', async () => {
    const { event } = await engine.makeEvent(1);
    // Text that is no list of sections: reading it would fail.
    await engine.pool.query(`update events set section_count = 51, sections = '{"a":1}' where id = $1`, [
      event.id,
    ]);
    const { events } = await engine.core.listEvents({ limit: 1 });
    expect(events).toMatchObject([{ id: event.id, sections: [], sectionCount: 51 }]);
    await engine.pool.query(`update events set section_count = 0, sections = '[]' where id = $1`, [event.id]);
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
