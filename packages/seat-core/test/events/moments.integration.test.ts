import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const createAt = (startsAt: Date | string) =>
  engine.core.createEvent({
    name: 'Recital',
    venue: 'Small Hall',
    startsAt,
    sections: [{ name: 'S', price: { amount: 1, currency: 'IDR' }, rows: [{ name: 'A', seats: 1 }] }],
  });

describe('the moments of an event', () => {
  it.each([
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['1969-12-31T23:30:00-01:00', '1970-01-01T00:30:00.000Z'],
    ['9998-12-31T23:59:59.999Z', '9998-12-31T23:59:59.999Z'],
    ['9999-01-01T06:59:59+07:00', '9998-12-31T23:59:59.000Z'],
  ])('are stored and read as they were sent: %s', async (text, iso) => {
    const { id } = await createAt(text);
    const { startsAt, salesCloseAt } = await engine.core.getEvent({ eventId: id });
    expect([startsAt.toISOString(), salesCloseAt.toISOString()]).toEqual([iso, iso]);
  });

  it.each([
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '0030-05-05T00:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:30:00+01:00',
    '9999-01-01T00:00:00Z',
    '9998-12-31T23:30:00-01:00',
    '9999-12-31T23:59:59-12:00',
    '2030-06-30T23:59:60Z',
    new Date(-1),
    new Date(8.64e15),
    new Date(Number.NaN),
  ])('are refused outside the years 1970 to 9998 of UTC: %s', async (startsAt) => {
    const { code, details } = await refusal(createAt(startsAt));
    expect(code).toBe('VALIDATION_FAILED');
    expect(details.errors?.map(({ pointer }) => pointer)).toEqual(['/startsAt']);
  });

  it('never fail a page: a row that was written by hand is listed among the others', async () => {
    const byHand = ['infinity', '-infinity', '0001-01-01 BC', '0044-03-15', '12026-01-01', '294276-12-31'];
    const ids = new Map<string, string>();
    for (const moment of byHand) {
      const { id } = await createAt('2030-01-01T00:00:00Z');
      await engine.pool.query('update events set starts_at = $2, created_at = $2 where id = $1', [
        id,
        moment,
      ]);
      ids.set(id, moment);
    }
    const { events } = await engine.core.listEvents({ limit: 100 });
    const shown = events.filter(({ id }) => ids.has(id));
    expect(
      Object.fromEntries(shown.map(({ id, startsAt }) => [ids.get(id), startsAt.toISOString()])),
    ).toEqual({
      infinity: '+275760-09-13T00:00:00.000Z',
      '-infinity': '-271821-04-20T00:00:00.000Z',
      '0001-01-01 BC': '0000-01-01T00:00:00.000Z',
      '0044-03-15': '0044-03-15T00:00:00.000Z',
      '12026-01-01': '+012026-01-01T00:00:00.000Z',
      '294276-12-31': '+275760-09-13T00:00:00.000Z',
    });
    for (const id of ids.keys()) expect((await engine.core.getEvent({ eventId: id })).id).toBe(id);
  });
});
