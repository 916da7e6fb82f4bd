import { randomUUID } from 'node:crypto';
import { waitFor } from '@ticketing/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateEventInput } from '../../src/events/create-event.ts';
import type { Seat } from '../../src/types.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';
import { anyone } from '../../src/records/ownership.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const idr = (amount: number) => ({ amount, currency: 'IDR' });
const hall: CreateEventInput = {
  name: 'Gamelan Night',
  venue: 'Gedung Kesenian',
  startsAt: new Date('2027-03-01T12:00:00Z'),
  sections: [
    {
      name: 'Stalls',
      price: idr(200_000),
      rows: [
        { name: 'B', seats: 2 },
        { name: 'A', seats: 3 },
      ],
    },
    { name: 'Balcony', price: idr(90_000), rows: [{ name: 'A', seats: 1 }] },
  ],
};

describe('creating an event', () => {
  it('makes its seats in the order of the hall, and counts them', async () => {
    const event = await engine.core.createEvent(hall);
    expect(event).toMatchObject({
      name: 'Gamelan Night',
      venue: 'Gedung Kesenian',
      startsAt: hall.startsAt,
      sections: [
        { name: 'Stalls', price: idr(200_000), rows: 2, seats: 5 },
        { name: 'Balcony', price: idr(90_000), rows: 1, seats: 1 },
      ],
      seatCounts: { available: 6, reserved: 0, sold: 0 },
    });
    expect({ ...(await engine.core.getEvent({ eventId: event.id })), replayed: false }).toEqual(event);
    const map = await engine.core.getSeatMap({ eventId: event.id });
    const { seats } = JSON.parse(map.json.toString()) as { seats: Seat[] };
    expect(seats.map((seat) => `${seat.section} ${seat.row}${seat.number}`)).toEqual([
      'Stalls B1',
      'Stalls B2',
      'Stalls A1',
      'Stalls A2',
      'Stalls A3',
      'Balcony A1',
    ]);
  });

  it.each<[string, Partial<CreateEventInput>, string]>([
    ['no section', { sections: [] }, '/sections'],
    ['no row', { sections: [{ name: 'S', price: idr(1), rows: [] }] }, '/sections/0/rows'],
    [
      'an empty row',
      { sections: [{ name: 'S', price: idr(1), rows: [{ name: 'A', seats: 0 }] }] },
      '/sections/0/rows/0/seats',
    ],
    [
      'a row twice',
      {
        sections: [
          {
            name: 'S',
            price: idr(1),
            rows: [
              { name: 'A', seats: 1 },
              { name: 'A', seats: 1 },
            ],
          },
        ],
      },
      '/sections/0/rows/1/name',
    ],
    ['a section twice', { sections: [hall.sections[0]!, hall.sections[0]!] }, '/sections/1/name'],
    [
      'two currencies',
      { sections: [hall.sections[0]!, { ...hall.sections[1]!, price: { amount: 1, currency: 'USD' } }] },
      '/sections/1/price/currency',
    ],
    ['half a rupiah', { sections: [{ ...hall.sections[0]!, price: idr(0.5) }] }, '/sections/0/price/amount'],
    [
      'too many seats',
      {
        sections: [
          {
            name: 'S',
            price: idr(1),
            rows: [
              { name: 'A', seats: 60_000 },
              { name: 'B', seats: 40_001 },
            ],
          },
        ],
      },
      '/sections',
    ],
    ['a control character', { name: 'Gamelan\u0000Night' }, '/name'],
    ['outer white space', { venue: ' Hall' }, '/venue'],
    ['no such moment', { startsAt: new Date('nonsense') }, '/startsAt'],
  ])('refuses %s, pointing at it', async (_, change, pointer) => {
    const before = (await engine.core.listEvents({ limit: 1 })).events[0]?.id;
    const { code, details } = await refusal(engine.core.createEvent({ ...hall, ...change }));
    expect(code).toBe('VALIDATION_FAILED');
    expect((details as { errors: { pointer: string }[] }).errors.map((error) => error.pointer)).toEqual([
      pointer,
    ]);
    expect((await engine.core.listEvents({ limit: 1 })).events[0]?.id).toBe(before);
  });
});

describe('listing events', () => {
  it('shows the newest first, page by page', async () => {
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

  it('counts seats at most a second late', async () => {
    const { event, seatIds } = await engine.makeEvent(3);
    const sold = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'ani' });
    await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await expect
      .poll(async () => (await engine.core.getEvent({ eventId: event.id })).seatCounts, { timeout: 2_000 })
      .toEqual({ available: 1, reserved: 1, sold: 1 });
  });

  it('knows no event that does not exist', async () => {
    const eventId = randomUUID();
    const verbs = ['getEvent', 'getSeatMap', 'listAvailableSeats', 'listAvailableSeats'] as const;
    for (const verb of verbs)
      expect((await refusal(engine.core[verb]({ eventId }))).code).toBe('EVENT_NOT_FOUND');
    expect(await engine.redis.keys(`*${eventId}*`)).toEqual([]);
  });
});

describe('the available seats', () => {
  it('are a random choice of those that are free', async () => {
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

  it('are kept as a list that Redis drops within a second', async () => {
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

  it('are loaded by one caller at a time', async () => {
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

  it('are read from PostgreSQL once a second, and the map as well, however often they are asked for', async () => {
    const { event } = await engine.makeEvent(3);
    const eventId = event.id;
    const readBoth = async () =>
      Promise.all([engine.core.listAvailableSeats({ eventId }), engine.core.getSeatMap({ eventId })]);
    const asked = () => engine.statements.length + engine.queries.length;
    const inOneSecond = await waitFor(
      async () => {
        const startedAt = performance.now();
        await readBoth();
        const before = asked();
        for (let n = 0; n < 50; n += 1) await readBoth();
        const statements = asked() - before;
        return performance.now() - startedAt < 900 ? { statements } : undefined;
      },
      { description: 'a hundred reads within a second', timeoutMs: 20_000 },
    );
    expect(inOneSecond.statements).toBe(0);
  });

  it('come from all coming events when none is named', async () => {
    const one = await engine.makeEvent(2);
    const { seats } = await engine.core.listAvailableSeats({ limit: 100 });
    expect(new Set(seats.map((seat) => seat.eventId)).size).toBeGreaterThan(1);
    const past = await engine.core.createEvent({ ...hall, startsAt: new Date('2020-01-01T00:00:00Z') });
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

  it('are none when all are gone', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    expect((await engine.core.listAvailableSeats({ eventId: event.id })).seats).toEqual([]);
  });

  it('refuse a limit out of bounds', async () => {
    for (const limit of [0, 101, 2.5]) {
      expect((await refusal(engine.core.listAvailableSeats({ limit }))).code).toBe('VALIDATION_FAILED');
    }
  });
});

describe('the seat map', () => {
  it('shows every seat, and a version that rises with each change', async () => {
    const { event, seatIds } = await engine.makeEvent(3);
    const before = await engine.core.getSeatMap({ eventId: event.id });
    expect(before.version).toBe(0);
    const booking = await engine.core.holdSeats({ seatIds: seatIds.slice(0, 2), userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
    await expect
      .poll(async () => (await engine.core.getSeatMap({ eventId: event.id })).version, { timeout: 2_500 })
      .toBe(4);
    const map = await engine.core.getSeatMap({ eventId: event.id });
    expect(JSON.parse(map.json.toString())).toEqual({
      eventId: event.id,
      version: 4,
      asOf: map.asOf.toISOString(),
      seats: seatIds.map((id, index) => ({
        id,
        eventId: event.id,
        section: 'Stalls',
        row: 'A',
        number: index + 1,
        price: idr(150_000),
        status: index < 2 ? 'SOLD' : 'AVAILABLE',
      })),
    });
  });

  it('is built at most once a second, whoever asks', async () => {
    const { event } = await engine.makeEvent(2);
    const maps = await Promise.all(
      Array.from({ length: 50 }, () => engine.core.getSeatMap({ eventId: event.id })),
    );
    expect(new Set(maps).size).toBe(1);
    expect(await engine.core.getSeatMap({ eventId: event.id.toUpperCase() })).toBe(maps[0]);
  });
});
