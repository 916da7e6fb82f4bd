import { createHash, randomUUID } from 'node:crypto';
import { atOnce, auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { IdempotencyInput } from '../../src/idempotency/idempotency.ts';
import type { SeatCore } from '../../src/seat-core.ts';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';
import { anyone } from '../../src/records/ownership.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(async () => {
  expect(await auditViolations(engine.databaseUrl)).toEqual([]);
  // An effect for each key, and no key for what was refused.
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

const keyed = (key: string, asked: unknown = 'this', caller = 'ani', route = 'hold'): IdempotencyInput => ({
  caller,
  route,
  key,
  fingerprint: createHash('sha256').update(JSON.stringify(asked)).digest(),
});
const countKeys = async () => {
  const { rows } = await engine.pool.query<{ n: number }>('select count(*)::int as n from idempotency_keys');
  return rows[0]!.n;
};
const hold = (core: SeatCore, seatId: string, idempotency: IdempotencyInput, userId = 'ani') =>
  core.holdSeats({ seatIds: [seatId], userId, idempotency });

describe('a hold with a key', () => {
  it('that is sent again is answered again, and holds nothing twice', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const first = await hold(engine.core, seatIds[0], keyed('once'));
    expect(first.replayed).toBe(false);
    const again = await hold(engine.core, seatIds[0], keyed('once'));
    expect(again).toEqual({ ...first, replayed: true });
    expect(await engine.metric('bookings_total', { outcome: 'replayed' })).toBe(1);
  });

  it('is replayed as it was made, whatever became of the booking, and of the locks and keys in Redis', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const first = await hold(engine.core, seatIds[0], keyed('later'));
    await engine.core.confirmBooking({ bookingId: first.id, ownedBy: anyone, actor: 'till' });
    expect(await engine.redis.get(`status:seat:${seatIds[0]}`)).toBe('SOLD');
    await engine.redis.set(`lock:seat:${seatIds[0]}`, 'budi:token');
    expect(await hold(engine.core, seatIds[0], keyed('later'))).toEqual({ ...first, replayed: true });
  });

  it('is replayed also when what its user holds fills the cap, and Redis has forgotten everything', async () => {
    const capped = engine.withSettings({ maxHeldSeatsPerUser: 2 });
    const { seatIds } = await engine.makeEvent(5);
    const holdTwo = (from: number, idempotency?: IdempotencyInput) =>
      capped.holdSeats({
        seatIds: seatIds.slice(from, from + 2),
        userId: 'ani',
        ...(idempotency && { idempotency }),
      });
    const expectReplay = async () => {
      expect((await refusal(hold(capped, seatIds[4]!, keyed('one-too-many')))).code).toBe(
        'HOLD_LIMIT_REACHED',
      );
      await engine.redis.flushdb();
      expect(await holdTwo(0, keyed('full'))).toEqual({ ...first, replayed: true });
    };
    const first = await holdTwo(0, keyed('full'));
    await expectReplay();
    // Its own seats are free again, so that only the cap is in the way.
    await capped.releaseBooking({ bookingId: first.id, ownedBy: anyone, actor: 'ani' });
    await holdTwo(2);
    await expectReplay();
  });

  it('is refused when the key belongs to another request, and holds nothing', async () => {
    const { seatIds } = await engine.makeEvent(2);
    await hold(engine.core, seatIds[0], keyed('reused', 'one'));
    const { code } = await refusal(hold(engine.core, seatIds[1]!, keyed('reused', 'other')));
    expect(code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await engine.seatRow(seatIds[1]!)).status).toBe('AVAILABLE');
  });

  it('means another thing to another caller, and on another route', async () => {
    const { seatIds } = await engine.makeEvent(3);
    const mine = await hold(engine.core, seatIds[0], keyed('shared', 1, 'ani'));
    const theirs = await hold(engine.core, seatIds[1]!, keyed('shared', 2, 'budi'), 'budi');
    const elsewhere = await hold(engine.core, seatIds[2]!, keyed('shared', 3, 'ani', 'elsewhere'));
    expect(new Set([mine.id, theirs.id, elsewhere.id]).size).toBe(3);
  });

  it('that is refused leaves no key, and is judged afresh when it is sent again', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const other = await engine.core.holdSeats({ seatIds, userId: 'budi' });
    const before = await countKeys();
    expect((await refusal(hold(engine.core, seatIds[0], keyed('afresh')))).code).toBe('SEAT_TAKEN');
    expect(await countKeys()).toBe(before);
    await engine.core.releaseBooking({ bookingId: other.id, ownedBy: anyone, actor: 'budi' });
    expect((await hold(engine.core, seatIds[0], keyed('afresh'))).replayed).toBe(false);
  });

  it.each(['', 'with space', 'ümlaut', 'x'.repeat(256)])(
    'is refused with the malformed key %j',
    async (key) => {
      const { seatIds } = await engine.makeEvent(1);
      expect((await refusal(hold(engine.core, seatIds[0], keyed(key)))).code).toBe('VALIDATION_FAILED');
    },
  );
});

describe('1,000 twins at once in three engines', () => {
  it('have one effect; all that are answered with it are answered the same', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const cores = [engine.core, engine.withSettings({}), engine.withSettings({})];
    const answers = await atOnce(1_000, (n) => hold(cores[n % 3]!, seatIds[0], keyed('storm')));
    const bodies = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const codes = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [(answer.reason as { code: string }).code] : [],
    );
    for (const code of codes) expect(code).toBe('IDEMPOTENCY_KEY_IN_PROGRESS');
    expect(bodies.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(bodies.map((body) => JSON.stringify({ ...body, replayed: true }))).size).toBe(1);
    console.log(`1,000 twins: ${bodies.length} answered with the booking, ${codes.length} told to ask again`);
    expect((await hold(engine.core, seatIds[0], keyed('storm'))).id).toBe(bodies[0]!.id);
  });

  it('that want different seats under one key: one has it, the others are told', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { seatIds } = await engine.makeEvent(4);
      const cores = [engine.core, engine.withSettings({})];
      const key = randomUUID();
      const answers = await atOnce(8, (n) =>
        hold(cores[n % 2]!, seatIds[n >> 1]!, keyed(key, seatIds[n >> 1])),
      );
      const held = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.id] : []));
      expect(new Set(held).size).toBe(1);
      for (const answer of answers) {
        if (answer.status === 'fulfilled') continue;
        expect((answer.reason as { code: string }).code).toMatch(/^IDEMPOTENCY_KEY_(REUSED|IN_PROGRESS)$/);
      }
    }
  });
});

describe('a confirmation, and a release, with a key', () => {
  it('is answered again with the same booking', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const paid = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const confirm = () =>
      engine.core.confirmBooking({ bookingId: paid.id, ownedBy: anyone, actor: 'till', idempotency: keyed('pay', paid.id) });
    const confirmed = await confirm();
    expect(await confirm()).toEqual({ ...confirmed, replayed: true });

    const given = await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    const release = () =>
      engine.core.releaseBooking({ bookingId: given.id, ownedBy: anyone, actor: 'ani', idempotency: keyed('back', given.id) });
    const released = await release();
    await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'budi' });
    expect(await release()).toEqual({ ...released, replayed: true });
  });

  it('counts its tickets once, however many ask at the same moment', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const held = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const before = await engine.metric('tickets_sold_total');
    const answers = await atOnce(200, () =>
      engine.core.confirmBooking({ bookingId: held.id, ownedBy: anyone, actor: 'till', idempotency: keyed('many', held.id) }),
    );
    expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await engine.metric('tickets_sold_total')).toBe(before + 2);
  });

  it('leaves no key behind a booking that was confirmed without one, and answers it all the same', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const held = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: held.id, ownedBy: anyone, actor: 'till' });
    const before = await countKeys();
    const again = await engine.core.confirmBooking({
      bookingId: held.id, ownedBy: anyone,
      actor: 'till',
      idempotency: keyed('no-effect', held.id),
    });
    expect(again).toMatchObject({ status: 'CONFIRMED', replayed: false });
    expect(await countKeys()).toBe(before);
  });
});

describe('an event with a key', () => {
  it('is made once, however many ask at the same moment', async () => {
    const create = () =>
      engine.core.createEvent({
        name: 'Once',
        venue: 'Hall',
        startsAt: new Date('2027-01-01T00:00:00Z'),
        sections: [{ name: 'A', price: { amount: 1, currency: 'IDR' }, rows: [{ name: '1', seats: 2_000 }] }],
        idempotency: keyed('event'),
      });
    const other = engine.withSettings({});
    const answers = await Promise.all([create(), create(), create()]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    await engine.core.holdSeats({ seatIds: [await firstSeat(answers[0].id)], userId: 'ani' });
    const { replayed, ...replay } = await create();
    const { replayed: _, ...first } = answers[0];
    expect(replayed).toBe(true);
    expect(replay).toEqual(first);
    await other[Symbol.asyncDispose]();
  });
});

async function firstSeat(eventId: string): Promise<string> {
  const { rows } = await engine.pool.query<{ id: string }>(
    'select id from seats where event_id = $1 limit 1',
    [eventId],
  );
  return rows[0]!.id;
}
