import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateEventInput } from '../../src/events/check-event.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const idr = (amount: number) => ({ amount, currency: 'IDR' });
const sectionsOf = (count: number, rowCount: number) =>
  Array.from({ length: count }, (_section, index) => ({
    name: `S${index}`,
    price: idr(1),
    rows: Array.from({ length: rowCount }, (_row, row) => ({ name: `${row}`, seats: 1 })),
  }));
const night: CreateEventInput = {
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

describe('createEvent', () => {
  it('makes the seats of an event in the order of the input, and counts them', async () => {
    const event = await engine.core.createEvent(night);
    expect(event).toMatchObject({
      name: 'Gamelan Night',
      venue: 'Gedung Kesenian',
      startsAt: night.startsAt,
      sections: [
        { name: 'Stalls', price: idr(200_000), rows: 2, seats: 5 },
        { name: 'Balcony', price: idr(90_000), rows: 1, seats: 1 },
      ],
      sectionCount: 2,
      seatCounts: { available: 6, reserved: 0, sold: 0 },
    });
    expect({ ...(await engine.core.getEvent({ eventId: event.id })), replayed: false }).toEqual(event);
    const { seats } = await engine.core.getSeatMap({ eventId: event.id });
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
    ['a section twice', { sections: [night.sections[0]!, night.sections[0]!] }, '/sections/1/name'],
    [
      'two currencies',
      { sections: [night.sections[0]!, { ...night.sections[1]!, price: { amount: 1, currency: 'USD' } }] },
      '/sections/1/price/currency',
    ],
    ['half a rupiah', { sections: [{ ...night.sections[0]!, price: idr(0.5) }] }, '/sections/0/price/amount'],
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
    ['201 sections', { sections: sectionsOf(201, 1) }, '/sections'],
    ['5,001 rows', { sections: [...sectionsOf(4, 1_000), ...sectionsOf(1, 1_001)] }, '/sections'],
    [
      'a million sections that are none',
      { sections: Array.from({ length: 1_000_000 }, () => 7) as never },
      '/sections',
    ],
    ['a control character', { name: 'Gamelan\u0000Night' }, '/name'],
    ['outer white space', { venue: ' Hall' }, '/venue'],
    ['no such moment', { startsAt: new Date('nonsense') }, '/startsAt'],
  ])('refuses an event with %s, and names the member', async (_, change, pointer) => {
    const before = (await engine.core.listEvents({ limit: 1 })).events[0]?.id;
    const { code, details } = await refusal(engine.core.createEvent({ ...night, ...change }));
    expect(code).toBe('VALIDATION_FAILED');
    expect(details.errors?.map((error) => error.pointer)).toEqual([pointer]);
    expect((await engine.core.listEvents({ limit: 1 })).events[0]?.id).toBe(before);
  });

  it('makes an event of 200 sections and 5,000 rows', async () => {
    const event = await engine.core.createEvent({ ...night, sections: sectionsOf(200, 25) });
    expect(event.sections).toHaveLength(200);
    expect(event.sectionCount).toBe(200);
    expect(event.seatCounts.available).toBe(5_000);
  });

  it('lists 20 errors of an event at most, and checks no further', async () => {
    let checked = 0;
    const rows = Array.from({ length: 5_000 }, () => ({
      name: ' ',
      get seats() {
        checked += 1;
        return 0;
      },
    }));
    const sections = [{ name: 'S', price: idr(1), rows }];
    const { details } = await refusal(engine.core.createEvent({ ...night, sections }));
    expect(details.errors).toHaveLength(20);
    expect(checked).toBeLessThanOrEqual(20);
  });

  it.each(['XXX', 'XTS', 'XAU', 'XDR', 'CLF', 'DEM', 'ZZZ', 'idr', ''])(
    'refuses a price in "%s", which is no money',
    async (currency) => {
      const sections = [{ ...night.sections[0]!, price: { amount: 1, currency } }];
      const { code, details } = await refusal(engine.core.createEvent({ ...night, sections }));
      expect(code).toBe('VALIDATION_FAILED');
      expect(details.errors).toEqual([
        {
          pointer: '/sections/0/price/currency',
          detail: 'must be the ISO 4217 code of money in use, not of a metal, fund or test',
        },
      ]);
    },
  );
});
