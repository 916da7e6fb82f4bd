import { auditViolations, waitFor } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestWorker, type TestWorker } from './fixtures/test-worker.ts';
import { anyone } from '@ticketing/seat-core';

let worker: TestWorker;
/** No jobs are taken here: what ends, the sweep has ended. */
beforeAll(async () => {
  worker = await openTestWorker({ takesJobs: false, loops: true });
});
afterEach(async () => expect(await auditViolations(worker.databaseUrl)).toEqual([]));
afterAll(async () => worker[Symbol.asyncDispose]());

const keyOf = async (seatId: string) => worker.redis.get(`status:seat:${seatId}`);

describe('the sweep', () => {
  it('ends a hold whose job is lost, within about a second', async () => {
    const [seatId] = await worker.makeEvent(1);
    const { id } = await worker.brief.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    await worker.queue.remove(`b-${id}`);
    await waitFor(async () => (await worker.storedStatus(id)) === 'EXPIRED', {
      description: 'the sweep to end the hold',
      timeoutMs: 2_000,
    });
    expect(await worker.seatStatus(seatId!)).toBe('AVAILABLE');
    expect(await worker.metrics()).toMatch(/^bookings_expired_total\{by="sweep"\} [1-9]/m);
  });
});

describe('the repair', () => {
  it('deletes a status key that was written late over a released seat, within 2 s', async () => {
    const [seatId] = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    await worker.core.releaseBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    await worker.redis.set(`status:seat:${seatId}`, 'RESERVED');
    await waitFor(async () => (await keyOf(seatId!)) === null, {
      description: 'the stale key to be deleted',
      timeoutMs: 2_000,
    });
    expect(await worker.metrics()).toMatch(/^seat_status_cache_repairs_total [1-9]/m);
  });

  it('writes a status key that was lost over a sold seat, within 2 s', async () => {
    const [seatId] = await worker.makeEvent(1);
    const { id } = await worker.core.holdSeats({ seatIds: [seatId!], userId: 'ani' });
    await worker.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
    await worker.redis.del(`status:seat:${seatId}`);
    await waitFor(async () => (await keyOf(seatId!)) === 'SOLD', {
      description: 'the lost key to be written',
      timeoutMs: 2_000,
    });
    expect(await worker.redis.pttl(`status:seat:${seatId}`)).toBe(-1);
  });
});

it('measures how far the clocks of Redis and PostgreSQL are apart', async () => {
  const offset = await waitFor(
    async () => {
      const shown = /^redis_clock_offset_seconds (\S+)$/m.exec(await worker.metrics())?.[1];
      return shown === '0' ? undefined : shown;
    },
    { description: 'the offset to be measured' },
  );
  expect(Math.abs(Number(offset))).toBeLessThan(1);
});
