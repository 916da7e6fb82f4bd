import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyone } from '@ticketing/seat-core';
import { expectProblem, waitFor } from '@ticketing/testkit';
import { openTestApi, type EventBody, type TestApi } from '../fixtures/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

const create = (body: unknown, headers?: Record<string, string>) =>
  api.call<EventBody>('POST', '/api/v1/events', body, headers);
const list = (query = '') =>
  api.call<{ events: EventBody[]; next: string | null }>('GET', `/api/v1/events${query}`);

const price = { amount: 150_000, currency: 'IDR' };
const rows = [{ name: 'A', seats: 3 }];
const event = {
  name: 'Malam Gamelan',
  venue: 'Gedung Kesenian',
  startsAt: '2027-03-01T19:30:00+07:00',
  sections: [
    { name: 'VIP', price: { amount: 900_000, currency: 'IDR' }, rows },
    { name: 'Festival', price, rows: [...rows, { name: 'B', seats: 20 }] },
  ],
};

describe('POST /api/v1/events', () => {
  it('creates an event with all of its seats and answers it, member by member', async () => {
    const { status, headers, body } = await create(event);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) as string,
      name: 'Malam Gamelan',
      venue: 'Gedung Kesenian',
      startsAt: '2027-03-01T12:30:00.000Z',
      salesOpenAt: null,
      salesCloseAt: '2027-03-01T12:30:00.000Z',
      sections: [
        { name: 'VIP', price: { amount: 900_000, currency: 'IDR' }, rows: 1, seats: 3 },
        { name: 'Festival', price, rows: 2, seats: 23 },
      ],
      sectionCount: 2,
      seatCounts: { available: 26, reserved: 0, sold: 0 },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    });
    expect(headers.get('location')).toBe(`/api/v1/events/${body.id}`);
    const shown = await api.call('GET', `/api/v1/events/${body.id.toUpperCase()}`);
    expect(shown.status).toBe(200);
    expect(shown.headers.get('cache-control')).toBe('max-age=1');
    expect(shown.body).toEqual(body);
  });

  const section = event.sections[1]!;
  const withSection = (change: object) => ({ ...event, sections: [{ ...section, ...change }] });

  it.each([
    ['nothing', {}, ['/name', '/venue', '/startsAt', '/sections']],
    ['an unknown member', { ...event, city: 'Jakarta' }, ['/city']],
    ['an unknown member of a section', withSection({ colour: 'red' }), ['/sections/0/colour']],
    ['an unknown member of a price', withSection({ price: { ...price, tax: 1 } }), ['/sections/0/price/tax']],
    [
      'an unknown member of a row',
      withSection({ rows: [{ name: 'A', seats: 1, aisle: true }] }),
      ['/sections/0/rows/0/aisle'],
    ],
    ['seats as text', withSection({ rows: [{ name: 'A', seats: '20' }] }), ['/sections/0/rows/0/seats']],
    ['half a seat', withSection({ rows: [{ name: 'A', seats: 1.5 }] }), ['/sections/0/rows/0/seats']],
    [
      'a price as text',
      withSection({ price: { amount: '1', currency: 'IDR' } }),
      ['/sections/0/price/amount'],
    ],
    ['a name that is a number', { ...event, name: 7 }, ['/name']],
    ['an empty name', { ...event, name: '' }, ['/name']],
    ['a line break in a name', { ...event, venue: 'Istora\nSenayan' }, ['/venue']],
    ['a time without its offset', { ...event, startsAt: '2027-03-01T19:30:00' }, ['/startsAt']],
    ['a day that is not in the calendar', { ...event, startsAt: '2027-02-30T10:00:00Z' }, ['/startsAt']],
    ['a leap second', { ...event, startsAt: '2027-06-30T23:59:60Z' }, ['/startsAt']],
    ['a year of two digits', { ...event, startsAt: '0030-06-30T00:00:00Z' }, ['/startsAt']],
    ['a year beyond 9998 in UTC', { ...event, startsAt: '9998-12-31T23:30:00-01:00' }, ['/startsAt']],
    ['an opening after the start', { ...event, salesOpenAt: '2027-03-02T00:00:00Z' }, ['/salesOpenAt']],
    ['a close that is no time', { ...event, salesCloseAt: 'soon' }, ['/salesCloseAt']],
    ['a name that shows nothing', { ...event, name: '\u200b' }, ['/name']],
    ['no section', { ...event, sections: [] }, ['/sections']],
    ['no row', withSection({ rows: [] }), ['/sections/0/rows']],
    ['a row without seats', withSection({ rows: [{ name: 'A', seats: 0 }] }), ['/sections/0/rows/0/seats']],
    ['two sections of one name', { ...event, sections: [section, section] }, ['/sections/1/name']],
    ['two rows of one name', withSection({ rows: [...rows, ...rows] }), ['/sections/0/rows/1/name']],
    [
      'a currency of small letters',
      withSection({ price: { amount: 1, currency: 'idr' } }),
      ['/sections/0/price/currency'],
    ],
    [
      'two currencies',
      { ...event, sections: [section, { ...section, name: 'X', price: { amount: 1, currency: 'USD' } }] },
      ['/sections/1/price/currency'],
    ],
    [
      'a negative price',
      withSection({ price: { amount: -1, currency: 'IDR' } }),
      ['/sections/0/price/amount'],
    ],
    [
      'more than 100,000 seats',
      withSection({
        rows: [
          { name: 'A', seats: 99_999 },
          { name: 'B', seats: 2 },
        ],
      }),
      ['/sections'],
    ],
  ])('refuses to create an event with %s, and points at it', async (_name, body, pointers) => {
    const answer = await create(body);
    expectProblem(answer, {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: pointers.map((pointer) => ({ pointer, detail: expect.any(String) as string })),
    });
  });

  it('accepts an event of 200 sections and 5,000 rows, and refuses one section or row more', async () => {
    const sectionsOf = (sectionCount: number, rowCount: number) => ({
      ...event,
      sections: Array.from({ length: sectionCount }, (_section, n) => ({
        ...section,
        name: `Section ${n}`,
        rows: Array.from({ length: n === 0 ? rowCount - sectionCount + 1 : 1 }, (_row, index) => ({
          name: `${index}`,
          seats: 1,
        })),
      })),
    });
    const answer = await create(sectionsOf(200, 5_000));
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ sectionCount: 200, seatCounts: { available: 5_000 } });
    for (const tooLarge of [sectionsOf(201, 5_000), sectionsOf(200, 5_001)]) {
      expectProblem(await create(tooLarge), {
        status: 400,
        code: 'VALIDATION_FAILED',
        errors: [{ pointer: '/sections', detail: expect.any(String) as string }],
      });
    }
  });

  it('accepts an event of 16 MiB and answers 413 to a larger one', async () => {
    const padded = (length: number) => JSON.stringify(event).padEnd(length, ' ');
    const json = { 'content-type': 'application/json' };
    expect((await create(padded(16 * 2 ** 20), json)).status).toBe(201);
    expectProblem(await create(padded(16 * 2 ** 20 + 1), json), { status: 413, code: 'PAYLOAD_TOO_LARGE' });
  });
});

describe('GET /api/v1/events/:eventId', () => {
  it('counts held and sold seats of an event after about a second', async () => {
    const { event: made, seatIds } = await api.createEvent(4);
    const sold = await api.hold(seatIds[0]!);
    await api.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'test' });
    await api.hold([seatIds[1]!, seatIds[2]!]);
    await waitFor(
      async () => {
        const { body } = await api.call<EventBody>('GET', `/api/v1/events/${made.id}`);
        expect(body.seatCounts).toEqual({ available: 1, reserved: 2, sold: 1 });
        return true;
      },
      { description: 'the counts to follow', timeoutMs: 3_000 },
    );
  });

  it('answers 404 to an unknown event and 400 to a malformed id', async () => {
    expectProblem(await api.call('GET', `/api/v1/events/${randomUUID()}`), {
      status: 404,
      code: 'EVENT_NOT_FOUND',
    });
    expectProblem(await api.call('GET', '/api/v1/events/upcoming'), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/eventId', detail: 'the path parameter must be a UUID' }],
    });
  });
});

describe('GET /api/v1/events', () => {
  it('lists events page by page from the newest to the oldest, with next null on the last page', async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.push((await api.createEvent(1)).event.id);
    const before = (await list('?limit=100')).body.events.length;

    const ids: string[] = [];
    let pages = 0;
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list(
        `?limit=2${after === null ? '' : `&after=${after}`}`,
      );
      expect(page.status).toBe(200);
      expect(page.headers.get('cache-control')).toBe('max-age=1');
      expect(Object.keys(page.body)).toEqual(['events', 'next']);
      expect(page.body.events.length).toBeLessThanOrEqual(2);
      ids.push(...page.body.events.map(({ id }) => id));
      after = page.body.next;
      pages += 1;
    } while (after !== null);
    expect(ids.slice(0, 5)).toEqual(made.toReversed());
    expect(new Set(ids).size).toBe(before);
    expect(ids).toHaveLength(before);
    expect(pages).toBe(Math.ceil(before / 2));
  });

  it('lists each event as its own address shows it', async () => {
    const { event: made } = await api.createEvent(2);
    expect((await list('?limit=1')).body.events).toEqual([made]);
  });

  it.each([
    ['limit=0', '/limit', 'the query parameter must be at least 1'],
    ['limit=101', '/limit', 'the query parameter must be at most 100'],
    ['limit=many', '/limit', 'the query parameter must be a whole number'],
    ['limit=1.5', '/limit', 'the query parameter must be a whole number'],
    ['limit=1&limit=2', '/limit', 'the query parameter must be a whole number'],
    ['after=first', '/after', 'the query parameter must be a UUID'],
  ])('refuses to list events with %s', async (query, pointer, detail) => {
    expectProblem(await list(`?${query}`), {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ pointer, detail }],
    });
  });
});
