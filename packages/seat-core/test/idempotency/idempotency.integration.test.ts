import { randomUUID } from 'node:crypto';
import { atOnce, auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CreateEventInput } from '../../src/events/check-event.ts';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(async () => {
  expect(await auditViolations(engine.databaseUrl)).toEqual([]);
  // Each key has its effect; a refused request left no key.
  const { rows } = await engine.pool.query<{ orphans: number }>(
    `select count(*)::int as orphans
     from idempotency_keys key
     left join events event on event.id = key.event_id
     left join bookings booking on booking.id = key.booking_id and booking.event_id = key.event_id
     where event.id is null or (key.booking_id is not null and booking.id is null)`,
  );
  expect(rows[0]?.orphans).toBe(0);
});
afterAll(async () => engine[Symbol.asyncDispose]());

const countKeys = async () => {
  const { rows } = await engine.pool.query<{ n: number }>('select count(*)::int as n from idempotency_keys');
  return rows[0]!.n;
};
const hold = (core: SeatCore, seatId: string, idempotencyKey: string, userId = 'ani') =>
  core.holdSeats({ seatIds: [seatId], userId, idempotencyKey });
const codeOf = async (work: Promise<unknown>) => (await refusal(work)).code;
const codesOf = (answers: readonly PromiseSettledResult<unknown>[]) =>
  answers.flatMap((answer) =>
    answer.status === 'rejected' ? [(answer.reason as { code: string }).code] : [],
  );

describe('holdSeats with an idempotency key', () => {
  it('answers a repeated hold as the first, and holds no seat twice', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const first = await hold(engine.core, seatIds[0], 'once');
    expect(first.replayed).toBe(false);
    expect(await hold(engine.core, seatIds[0], 'once')).toEqual({ ...first, replayed: true });
    expect(await engine.metric('bookings_total', { outcome: 'replayed' })).toBe(1);
  });

  it('answers a repeated hold as the first also when the booking was confirmed and its seat is locked', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const first = await hold(engine.core, seatIds[0], 'later');
    await engine.core.confirmBooking({ bookingId: first.id, ownedBy: anyone, actor: 'till' });
    expect(await engine.redis.get(`status:seat:${seatIds[0]}`)).toBe('SOLD');
    await engine.redis.set(`lock:seat:${seatIds[0]}`, 'budi:token');
    expect(await hold(engine.core, seatIds[0], 'later')).toEqual({ ...first, replayed: true });
  });

  it('answers a repeated hold as the first also when the user is at the hold limit, and after a flush of Redis', async () => {
    const capped = engine.withSettings({ maxSeatsPerBooking: 2, maxHeldSeatsPerUser: 2 });
    const { seatIds } = await engine.makeEvent(5);
    const holdTwo = (from: number, idempotencyKey?: string) =>
      capped.holdSeats({
        seatIds: seatIds.slice(from, from + 2),
        userId: 'ani',
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
    const expectRepeatedAnswer = async () => {
      expect(await codeOf(hold(capped, seatIds[4]!, 'one-too-many'))).toBe('HOLD_LIMIT_REACHED');
      await engine.redis.flushdb();
      expect(await holdTwo(0, 'full')).toEqual({ ...first, replayed: true });
    };
    const first = await holdTwo(0, 'full');
    await expectRepeatedAnswer();
    // Now its seats are free again: only the limit could refuse it.
    await capped.releaseBooking({ bookingId: first.id, ownedBy: anyone, actor: 'ani' });
    await holdTwo(2);
    await expectRepeatedAnswer();
  });

  it('refuses the key of another request as IDEMPOTENCY_KEY_REUSED, and holds no seat', async () => {
    const { seatIds } = await engine.makeEvent(2);
    await hold(engine.core, seatIds[0], 'reused');
    expect(await codeOf(hold(engine.core, seatIds[1]!, 'reused'))).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(await codeOf(engine.core.holdSeats({ seatIds, userId: 'ani', idempotencyKey: 'reused' }))).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
    expect((await engine.seatRow(seatIds[1]!)).status).toBe('AVAILABLE');
  });

  it('takes the same seats in another order for another request, and ids in capital letters for the same', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const request = (ids: readonly string[]) =>
      engine.core.holdSeats({ seatIds: ids, userId: 'ani', idempotencyKey: 'order' });
    const first = await request(seatIds);
    expect(await codeOf(request(seatIds.toReversed()))).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(await request(seatIds.map((id) => id.toUpperCase()))).toEqual({ ...first, replayed: true });
  });

  it('keeps the keys of two users apart', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const mine = await hold(engine.core, seatIds[0], 'shared', 'ani');
    const theirs = await hold(engine.core, seatIds[1]!, 'shared', 'budi');
    expect([mine.userId, theirs.userId]).toEqual(['ani', 'budi']);
    expect([mine.replayed, theirs.replayed]).toEqual([false, false]);
  });

  it('leaves no key for a refused hold, and decides a repeated one anew', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const other = await engine.core.holdSeats({ seatIds, userId: 'budi' });
    const before = await countKeys();
    expect(await codeOf(hold(engine.core, seatIds[0], 'afresh'))).toBe('SEAT_TAKEN');
    expect(await countKeys()).toBe(before);
    await engine.core.releaseBooking({ bookingId: other.id, ownedBy: anyone, actor: 'budi' });
    expect((await hold(engine.core, seatIds[0], 'afresh')).replayed).toBe(false);
  });

  it.each(['', 'with space', 'ümlaut', 'x'.repeat(256)])(
    'refuses the malformed idempotency key %j',
    async (key) => {
      const { seatIds } = await engine.makeEvent(1);
      expect(await refusal(hold(engine.core, seatIds[0], key))).toEqual({
        code: 'VALIDATION_FAILED',
        details: {
          errors: [{ pointer: '/idempotencyKey', detail: 'must be 1 to 255 visible ASCII characters' }],
        },
      });
    },
  );
});

describe('duplicates at once', () => {
  it('makes one booking for 1,000 duplicates at once in three engines, and answers all of them with it', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const cores = [engine.core, engine.withSettings({}), engine.withSettings({})];
    const answers = await atOnce(1_000, (n) => hold(cores[n % 3]!, seatIds[0], 'storm'));
    const bookings = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const codes = codesOf(answers);
    for (const code of codes) expect(code).toBe('IDEMPOTENCY_KEY_IN_PROGRESS');
    expect(bookings.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(bookings.map((booking) => JSON.stringify({ ...booking, replayed: true }))).size).toBe(1);
    console.log(`1,000 duplicates: ${bookings.length} got the booking, ${codes.length} must ask again`);
    expect((await hold(engine.core, seatIds[0], 'storm')).id).toBe(bookings[0]!.id);
  });

  it('makes one booking for requests at once that have one key and want different seats', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { seatIds } = await engine.makeEvent(4);
      const cores = [engine.core, engine.withSettings({})];
      const key = randomUUID();
      const answers = await atOnce(8, (n) => hold(cores[n % 2]!, seatIds[n >> 1]!, key));
      const held = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.id] : []));
      expect(new Set(held).size).toBe(1);
      for (const code of codesOf(answers)) expect(code).toMatch(/^IDEMPOTENCY_KEY_(REUSED|IN_PROGRESS)$/);
      await cores[1]!.close();
    }
  });
});

describe('confirmBooking and releaseBooking with an idempotency key', () => {
  it('answers a repeated confirmation and a repeated release as the first', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const paid = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const confirm = () =>
      engine.core.confirmBooking({
        bookingId: paid.id,
        ownedBy: anyone,
        actor: 'till',
        idempotencyKey: 'pay',
      });
    const confirmed = await confirm();
    expect(await confirm()).toEqual({ ...confirmed, replayed: true });

    const given = await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    const release = () =>
      engine.core.releaseBooking({
        bookingId: given.id,
        ownedBy: anyone,
        actor: 'ani',
        idempotencyKey: 'back',
      });
    const released = await release();
    await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'budi' });
    expect(await release()).toEqual({ ...released, replayed: true });
  });

  it('refuses to confirm or release another booking under a used key', async () => {
    const { core } = engine;
    for (const verb of ['confirmBooking', 'releaseBooking'] as const) {
      const { seatIds } = await engine.makeEvent(2);
      const one = await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
      const other = await core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
      const send = (bookingId: string) =>
        core[verb]({ bookingId, ownedBy: anyone, actor: 'till', idempotencyKey: 'used' });
      await send(one.id);
      expect(await codeOf(send(other.id))).toBe('IDEMPOTENCY_KEY_REUSED');
      expect((await core.getBooking({ bookingId: other.id, ownedBy: anyone })).status).toBe('PENDING');
    }
  });

  it('keeps the keys of two actors apart, and those of two verbs', async () => {
    const { seatIds } = await engine.makeEvent(4);
    const key = 'one-key';
    const [first, second, third] = await Promise.all(
      seatIds.slice(1).map((seatId) => engine.core.holdSeats({ seatIds: [seatId], userId: 'ani' })),
    );
    const send = (verb: 'confirmBooking' | 'releaseBooking', bookingId: string, actor: string) =>
      engine.core[verb]({ bookingId, ownedBy: anyone, actor, idempotencyKey: key });
    const answers = [
      await hold(engine.core, seatIds[0], key, 'ani'),
      await send('confirmBooking', first!.id, 'ani'),
      await send('releaseBooking', second!.id, 'ani'),
      await send('confirmBooking', third!.id, 'budi'),
      await engine.core.createEvent({ ...night, actor: 'ani', idempotencyKey: key }),
    ];
    expect(answers.map(({ replayed }) => replayed)).toEqual([false, false, false, false, false]);
  });

  it('counts the tickets of a booking once for 200 confirmations at once', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const { id: bookingId } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const before = await engine.metric('tickets_sold_total');
    const answers = await atOnce(200, () =>
      engine.core.confirmBooking({ bookingId, ownedBy: anyone, actor: 'till', idempotencyKey: 'many' }),
    );
    expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await engine.metric('tickets_sold_total')).toBe(before + 2);
  });

  it('answers for a booking that was confirmed without a key, and writes no key for it', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const { id: bookingId } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const request = { bookingId, ownedBy: 'ani', actor: 'till' };
    await engine.core.confirmBooking(request);
    const before = await countKeys();
    const again = await engine.core.confirmBooking({ ...request, idempotencyKey: 'no-effect' });
    expect(again).toMatchObject({ status: 'CONFIRMED', replayed: false });
    expect(await countKeys()).toBe(before);
  });
});

const night: CreateEventInput = {
  name: 'Once',
  venue: 'Small Hall',
  startsAt: new Date('2027-01-01T00:00:00Z'),
  sections: [{ name: 'A', price: { amount: 1, currency: 'IDR' }, rows: [{ name: '1', seats: 2_000 }] }],
};

describe('createEvent with an idempotency key', () => {
  it('makes one event for requests at once, and answers a later one as the first', async () => {
    const create = (core: SeatCore) =>
      core.createEvent({ ...night, actor: 'organizer', idempotencyKey: 'event' });
    const answers = await Promise.all([create(engine.core), create(engine.core), create(engine.core)]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    const { rows } = await engine.pool.query<{ id: string }>(
      'select id from seats where event_id = $1 limit 1',
      [answers[0].id],
    );
    await engine.core.holdSeats({ seatIds: [rows[0]!.id], userId: 'ani' });
    const { replayed: _, ...first } = answers[0];
    for (const core of [engine.core, engine.withSettings({})]) {
      expect(await create(core)).toEqual({ ...first, replayed: true });
    }
  });

  it('takes an event whose name looks like an id in capital letters for another event', async () => {
    const name = randomUUID();
    const create = (called: string) =>
      engine.core.createEvent({ ...night, name: called, actor: 'organizer', idempotencyKey: 'id-like' });
    await create(`${name.slice(0, -1)}a`);
    expect(await codeOf(create(`${name.slice(0, -1)}A`))).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('refuses another event under a used key; the order of members does not count, the actor does', async () => {
    const { name, venue, startsAt, sections } = night;
    const key = { actor: 'organizer', idempotencyKey: 'one-event' };
    const { id } = await engine.core.createEvent({ ...night, ...key });
    expect(await engine.core.createEvent({ ...key, sections, startsAt, venue, name })).toMatchObject({
      id,
      replayed: true,
    });
    const others: Partial<CreateEventInput>[] = [
      { name: 'Twice' },
      { venue: 'Large Hall' },
      { startsAt: new Date('2027-01-02T00:00:00Z') },
      { sections: [{ ...sections[0]!, price: { amount: 2, currency: 'IDR' } }] },
      { sections: [{ ...sections[0]!, rows: [{ name: '1', seats: 1_999 }] }] },
    ];
    for (const other of others) {
      expect(await codeOf(engine.core.createEvent({ ...night, ...key, ...other }))).toBe(
        'IDEMPOTENCY_KEY_REUSED',
      );
    }
    const elsewhere = await engine.core.createEvent({ ...night, ...key, actor: 'other-organizer' });
    expect(elsewhere.replayed).toBe(false);
    expect(elsewhere.id).not.toBe(id);
  });
});
