import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRetention } from '../src/admin/retention.ts';
import { anyone } from '../src/records/ownership.ts';
import type { SeatCore } from '../src/seat-core.ts';
import { openTestEngine, refusal, type TestEngine } from './fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

/** The verbs as a caller without types sees them. */
type Verb = (input: unknown) => Promise<unknown>;
const verb = (name: keyof SeatCore): Verb => (engine.core[name] as Verb).bind(engine.core);

const id = '01a2082d-747f-713a-9652-f2ba91487561';
const hold = { seatIds: [id], userId: 'ani' };
const transition = { bookingId: id, ownedBy: anyone, actor: 'till' };
const price = { amount: 1, currency: 'IDR' };
const section = { name: 'Stalls', price, rows: [{ name: 'A', seats: 1 }] };
const event = { name: 'Recital', venue: 'Hall', startsAt: '2030-01-01T00:00:00Z', sections: [section] };

/** A wrong input of a verb, and the pointer to what is wrong. */
const wrongMembers: [keyof SeatCore, object, string][] = [
  ['holdSeats', { ...hold, seatIds: undefined }, '/seatIds'],
  ['holdSeats', { ...hold, seatIds: id }, '/seatIds'],
  ['holdSeats', { ...hold, seatIds: { 0: id, length: 1 } }, '/seatIds'],
  ['holdSeats', { ...hold, seatIds: [7] }, '/seatIds/0'],
  ['holdSeats', { ...hold, seatIds: [null] }, '/seatIds/0'],
  ['holdSeats', { ...hold, userId: 7 }, '/userId'],
  ['holdSeats', { ...hold, userId: ['ani'] }, '/userId'],
  ['holdSeats', { ...hold, requestId: 7 }, '/requestId'],
  ['holdSeats', { ...hold, requestId: 'a\u0000b' }, '/requestId'],
  ['holdSeats', { ...hold, idempotencyKey: 7 }, '/idempotencyKey'],
  ['holdSeats', { ...hold, idempotencyKey: null }, '/idempotencyKey'],
  ['confirmBooking', { ...transition, bookingId: Buffer.from('x') }, '/bookingId'],
  ['confirmBooking', { ...transition, ownedBy: undefined }, '/ownedBy'],
  ['confirmBooking', { ...transition, ownedBy: 'anyone\n' }, '/ownedBy'],
  ['confirmBooking', { ...transition, actor: undefined }, '/actor'],
  ['confirmBooking', { ...transition, actor: {} }, '/actor'],
  ['confirmBooking', { ...transition, requestId: {} }, '/requestId'],
  ['releaseBooking', { ...transition, actor: null }, '/actor'],
  ['getBooking', { bookingId: 7, ownedBy: anyone }, '/bookingId'],
  ['getBooking', { bookingId: id, ownedBy: null }, '/ownedBy'],
  ['listLiveBookings', { eventId: id }, '/userId'],
  ['listLiveBookings', { eventId: [id], userId: 'ani' }, '/eventId'],
  ['expireBookings', {}, '/bookingIds'],
  ['expireBookings', { bookingIds: [undefined] }, '/bookingIds/0'],
  ['sweepOverdue', { limit: '10' }, '/limit'],
  ['repairCache', { sinceSeconds: '10' }, '/sinceSeconds'],
  ['repairCache', { sinceSeconds: Number.NaN }, '/sinceSeconds'],
  ['purgeIdempotencyKeys', { limit: [10] }, '/limit'],
  ['listAvailableSeats', { eventId: 7 }, '/eventId'],
  ['listAvailableSeats', { limit: true }, '/limit'],
  ['getSeatMap', {}, '/eventId'],
  ['getEvent', { eventId: new URL('http://a') }, '/eventId'],
  ['listEvents', { after: 7 }, '/after'],
  ['subscribeToSeats', { eventId: id }, '/onMessage'],
  ['subscribeToSeats', { eventId: id, onMessage: () => undefined, onEnd: 'log' }, '/onEnd'],
  ['createEvent', { ...event, name: 7 }, '/name'],
  ['createEvent', { ...event, startsAt: 1_900_000_000_000 }, '/startsAt'],
  ['createEvent', { ...event, startsAt: { toISOString: () => '2030-01-01T00:00:00Z' } }, '/startsAt'],
  ['createEvent', { ...event, salesOpenAt: 0 }, '/salesOpenAt'],
  ['createEvent', { ...event, sections: section }, '/sections'],
  ['createEvent', { ...event, sections: [null] }, '/sections/0'],
  ['createEvent', { ...event, sections: [{ ...section, price: 1 }] }, '/sections/0/price'],
  ['createEvent', { ...event, sections: [{ ...section, rows: {} }] }, '/sections/0/rows'],
  ['createEvent', { ...event, sections: [{ ...section, rows: ['A'] }] }, '/sections/0/rows/0'],
  ['createEvent', { ...event, actor: 7 }, '/actor'],
];

describe('a caller without types', () => {
  it.each(wrongMembers)(
    'gets VALIDATION_FAILED from %s for a member of the wrong type: %j',
    async (name, input, pointer) => {
      const { code, details } = await refusal(verb(name)(input));
      expect(code).toBe('VALIDATION_FAILED');
      expect(details.errors?.map((error) => error.pointer)).toContain(pointer);
    },
  );

  const verbs = [...new Set(wrongMembers.map(([name]) => name))];
  it.each(verbs.flatMap((name) => [null, 'text', [id]].map((input) => [name, input] as const)))(
    'gets VALIDATION_FAILED from %s for an input that is no object: %j',
    async (name, input) => {
      const { code, details } = await refusal(verb(name)(input));
      expect(code).toBe('VALIDATION_FAILED');
      expect(details.errors).toEqual([{ pointer: '', detail: 'must be an object' }]);
    },
  );

  it('may write the moments of an event as ISO texts', async () => {
    const made = await engine.core.createEvent({ ...event, salesOpenAt: '2029-01-01T07:00:00+07:00' });
    expect(made.startsAt).toEqual(new Date('2030-01-01T00:00:00Z'));
    expect(made.salesOpenAt).toEqual(new Date('2029-01-01T00:00:00Z'));
  });

  it('gets VALIDATION_FAILED from the retention verbs, too', async () => {
    await using retention = await openRetention(engine);
    const list = retention.listRetirable.bind(retention) as Verb;
    const retire = retention.retireEvent.bind(retention) as Verb;
    expect((await refusal(list({ keptDays: '365' }))).details.errors?.[0]?.pointer).toBe('/keptDays');
    expect((await refusal(list(null))).code).toBe('VALIDATION_FAILED');
    expect((await refusal(retire({ keptDays: 365, eventId: 7 }))).details.errors?.[0]?.pointer).toBe(
      '/eventId',
    );
  });
});
