import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

const statusKey = (seatId: string) => `status:seat:${seatId}`;

describe('repairCache', () => {
  it('deletes a status key that was written late over a released seat', async () => {
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

  it('writes lost status keys again: RESERVED to its deadline, SOLD without end', async () => {
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
    // The third seat did not change lately, so its key is not compared.
    expect(await engine.redis.get(statusKey(seatIds[2]!))).toBe('SOLD');
  });

  it('repairs the status keys of all seats that changed in the last `sinceSeconds`', async () => {
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

  it('deletes the status key of an overdue hold', async () => {
    const { seatIds } = await engine.makeEvent(1);
    const brief = await engine.withSettings({ holdSeconds: 0.001 }).holdSeats({ seatIds, userId: 'ani' });
    await engine.untilOverdue(brief.id);
    await engine.redis.set(statusKey(seatIds[0]), 'RESERVED');
    expect(await engine.core.repairCache()).toBeGreaterThanOrEqual(1);
    expect(await engine.redis.exists(statusKey(seatIds[0]))).toBe(0);
  });

  it('takes the newest of several changes of a seat, also of two in one commit', async () => {
    const { seatIds } = await engine.makeEvent(3);
    const [reclaimed, sold, freed] = seatIds;
    const briefly = engine.withSettings({ holdSeconds: 0.001 });
    const brief = await briefly.holdSeats({ seatIds: [reclaimed], userId: 'ani' });
    await engine.untilOverdue(brief.id);
    await engine.redis.del(statusKey(reclaimed));
    // Ends the hold that is overdue and makes the new one in one statement.
    const held = await engine.core.holdSeats({ seatIds: [reclaimed], userId: 'budi' });
    for (const seatId of [sold!, freed!]) {
      for (const end of ['releaseBooking', seatId === sold ? 'confirmBooking' : 'releaseBooking'] as const) {
        const { id: bookingId } = await engine.core.holdSeats({ seatIds: [seatId], userId: 'ani' });
        await engine.core[end]({ bookingId, ownedBy: anyone, actor: 'ani' });
      }
    }
    await engine.redis.del(...seatIds.map(statusKey));
    await engine.redis.set(statusKey(freed!), 'SOLD');
    await engine.core.repairCache();
    expect(await engine.redis.mget(seatIds.map(statusKey))).toEqual(['RESERVED', 'SOLD', null]);
    expect(await engine.redis.call('PEXPIRETIME', statusKey(reclaimed))).toBe(held.expiresAt.getTime());
  });

  it('reads no seat and no booking for the changes of the last seconds', async () => {
    const { seatIds } = await engine.makeEvent(1);
    await engine.core.holdSeats({ seatIds, userId: 'ani' });
    await engine.redis.del(statusKey(seatIds[0]));
    const lock = 'lock table seats, bookings, booking_seats in access exclusive mode';
    await engine.whileLocked(lock, async () => {
      expect(await engine.core.repairCache()).toBeGreaterThanOrEqual(1);
    });
    expect(await engine.redis.get(statusKey(seatIds[0]))).toBe('RESERVED');
  });
});
