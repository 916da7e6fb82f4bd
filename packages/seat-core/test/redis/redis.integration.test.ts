import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine, refusal, type TestEngine } from '../fixtures/test-engine.ts';
import { anyone } from '../../src/records/ownership.ts';

/* Locks, status keys and their repair: what Redis may and may not do to a booking. */

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const lockKey = (seatId: string) => `lock:seat:${seatId}`;
const statusKey = (seatId: string) => `status:seat:${seatId}`;

describe('the seat lock', () => {
  it('turns a request away while another one has a seat, and takes none of its seats', async () => {
    const { seatIds } = await engine.makeEvent(3);
    await engine.redis.set(lockKey(seatIds[1]!), 'budi:other', 'EX', 5);
    expect((await refusal(engine.core.holdSeats({ seatIds, userId: 'ani' }))).code).toBe('SEAT_LOCKED');
    expect(await engine.redis.exists(lockKey(seatIds[0]), lockKey(seatIds[2]!))).toBe(0);
    expect((await engine.seatRow(seatIds[0])).status).toBe('AVAILABLE');
  });

  it('of somebody else survives: a holder that lost its lock does not free the next one’s', async () => {
    const { seatIds } = await engine.makeEvent(1);
    // PostgreSQL keeps the request waiting at the seat's table while its lock passes to another.
    const other = await engine.pool.connect();
    await other.query('begin');
    await other.query('lock table booking_seats in share mode');
    const held = engine.core.holdSeats({ seatIds, userId: 'ani' });
    await expect.poll(() => engine.redis.get(lockKey(seatIds[0]))).toMatch(/^ani:/);
    await engine.redis.set(lockKey(seatIds[0]), 'budi:other', 'EX', 60);
    await other.query('rollback');
    other.release();
    expect((await held).status).toBe('PENDING');
    expect(await engine.redis.get(lockKey(seatIds[0]))).toBe('budi:other');
  });

  it('names its holder, is unique to the request and ends by itself', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const other = await engine.pool.connect();
    await other.query('begin');
    await other.query('lock table booking_seats in share mode');
    const held = engine.core.holdSeats({ seatIds, userId: 'ani' });
    await expect.poll(() => engine.redis.get(lockKey(seatIds[0]))).toMatch(/^ani:[0-9a-f-]{36}$/);
    const lifetime = await engine.redis.pttl(lockKey(seatIds[0]));
    expect(lifetime).toBeGreaterThan(3_000);
    expect(lifetime).toBeLessThanOrEqual(5_000);
    await other.query('rollback');
    other.release();
    await held;
    expect(await engine.redis.exists(lockKey(seatIds[0]))).toBe(0);
  });
});

describe('the status key', () => {
  it('of a hold is gone at its deadline, with nobody deleting it', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.withSettings({ holdSeconds: 0.2 }).holdSeats({ seatIds, userId: 'ani' });
    expect(await engine.redis.get(statusKey(seatIds[0]))).toBe('RESERVED');
    await expect.poll(() => engine.redis.exists(statusKey(seatIds[0]))).toBe(0);
    expect((await engine.seatRow(seatIds[0])).status).toBe('RESERVED');
  });

  it('that says neither RESERVED nor SOLD refuses nobody', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.redis.set(statusKey(seatIds[0]), 'broken');
    expect((await engine.core.holdSeats({ seatIds, userId: 'ani' })).status).toBe('PENDING');
  });

  it('refuses without a word to PostgreSQL', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    const before = engine.statements.length;
    expect((await refusal(engine.core.holdSeats({ seatIds, userId: 'budi' }))).code).toBe('SEAT_TAKEN');
    expect(engine.statements.slice(before)).toEqual([]);
  });
});

describe('the repair', () => {
  it('mends a key written late over a released seat', async () => {
    const { event, seatIds } = await engine.makeEvent(1);
    const { id: bookingId } = await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await engine.core.releaseBooking({ bookingId, ownedBy: anyone, actor: 'ani' });
    await engine.redis.set(statusKey(seatIds[0]), 'RESERVED');
    await engine.redis.set(`seats:available:${event.id}`, '[]');
    expect(await engine.core.repairCache()).toBe(1);
    expect(await engine.redis.exists(statusKey(seatIds[0]), `seats:available:${event.id}`)).toBe(0);
    expect(await engine.core.repairCache()).toBe(0);
    expect(await engine.metric('seat_status_cache_repairs_total')).toBe(1);
  });

  it('puts back what a flush took: RESERVED to its deadline, SOLD for good', async () => {
    const { seatIds } = await engine.makeEvent(3);
    const held = await engine.core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' });
    const sold = await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: sold.id, ownedBy: anyone, actor: 'ani' });
    await engine.redis.set(statusKey(seatIds[2]!), 'SOLD');
    await engine.redis.del(...seatIds.slice(0, 2).map(statusKey));
    await engine.core.repairCache();
    expect(await engine.redis.get(statusKey(seatIds[0]))).toBe('RESERVED');
    expect(await engine.redis.call('PEXPIRETIME', statusKey(seatIds[0]))).toBe(held.expiresAt.getTime());
    expect(await engine.redis.get(statusKey(seatIds[1]!))).toBe('SOLD');
    expect(await engine.redis.pttl(statusKey(seatIds[1]!))).toBe(-1);
    // Nothing happened to the third seat lately, so nobody looks at its key.
    expect(await engine.redis.get(statusKey(seatIds[2]!))).toBe('SOLD');
  });

  it('reaches back as far as it is told, however long that is', async () => {
    const { event, seatIds } = await engine.makeEvent(3);
    const ages = [20, 45, 100];
    for (const [index, seatId] of seatIds.entries()) {
      await engine.pool.query(
        `insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, at, seat_ids, seat_versions)
         values ($1, gen_random_uuid(), 'PENDING', 'EXPIRED', 'sweep', 'test', clock_timestamp() - make_interval(secs => $2), array[$3::uuid], '{1}')`,
        [event.id, ages[index], seatId],
      );
      await engine.redis.set(statusKey(seatId), 'SOLD');
    }
    await engine.core.repairCache({ sinceSeconds: 30 });
    expect(await engine.redis.mget(seatIds.map(statusKey))).toEqual([null, 'SOLD', 'SOLD']);
    await engine.core.repairCache({ sinceSeconds: 110 });
    expect(await engine.redis.exists(...seatIds.map(statusKey))).toBe(0);
  });

  it('leaves no key for a hold that is overdue', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const brief = await engine.withSettings({ holdSeconds: 0.001 }).holdSeats({ seatIds, userId: 'ani' });
    await expect
      .poll(async () => (await engine.core.getBooking({ bookingId: brief.id, ownedBy: anyone })).status)
      .toBe('EXPIRED');
    await engine.redis.set(statusKey(seatIds[0]), 'RESERVED');
    expect(await engine.core.repairCache()).toBeGreaterThanOrEqual(1);
    expect(await engine.redis.exists(statusKey(seatIds[0]))).toBe(0);
  });
});

describe('a Redis that does not answer', () => {
  it('leaves the decision to PostgreSQL, and is counted and logged', async () => {
    const { seatIds } = await engine.makeEvent(2);
    const gone = engine.redis.duplicate({ port: 1, retryStrategy: () => null });
    gone.on('error', () => undefined);
    const warnings: string[] = [];
    const logger = {
      debug() {},
      info() {},
      warn: (_: object, text: string) => void warnings.push(text),
      error() {},
    };
    const registry = new Registry();
    const core = engine.withSettings({ redis: gone, logger, registry });
    expect((await core.holdSeats({ seatIds: [seatIds[0]], userId: 'ani' })).status).toBe('PENDING');
    expect(await refusal(core.holdSeats({ seatIds, userId: 'budi' }))).toEqual({
      code: 'SEAT_TAKEN',
      details: { seatIds: [seatIds[0]] },
    });
    await core[Symbol.asyncDispose]();
    // One outage, one line, however many requests there are.
    expect(warnings).toEqual(['a part is away; no request waits for it']);
    expect(await registry.metrics()).toMatch(/^booking_effects_failed_total [1-9]/m);
    expect(await registry.metrics()).toContain('redis_circuit_open{part="redis"} 1');
    gone.disconnect();
  });
});

describe('the clocks', () => {
  it('of Redis and PostgreSQL are compared', async () => {
    const offset = await engine.core.measureClockOffset();
    expect(Math.abs(offset)).toBeLessThan(1);
    expect(await engine.metric('redis_clock_offset_seconds')).toBe(offset);
  });
});
