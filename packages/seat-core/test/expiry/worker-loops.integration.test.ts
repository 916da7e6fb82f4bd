import { auditViolations, waitFor } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import { openTestWorker, type TestWorker } from '../fixtures/test-worker.ts';

let worker: TestWorker;
/** Takes no jobs: only the sweep expires holds here. */
beforeAll(async () => {
  worker = await openTestWorker({ jobs: false, loops: true });
});
afterEach(async () => expect(await auditViolations(worker.databaseUrl)).toEqual([]));
afterAll(async () => worker[Symbol.asyncDispose]());

const keyOf = async (seatId: string) => worker.redis.get(`status:seat:${seatId}`);

it('the sweep expires a hold whose job is lost, within about a second', async () => {
  const { seatIds } = await worker.makeEvent(1);
  const { id } = await worker.brief.holdSeats({ seatIds, userId: 'ani' });
  await worker.expiryQueue.remove(`b-${id}`);
  await waitFor(async () => (await worker.storedStatus(id)) === 'EXPIRED', {
    description: 'the sweep to expire the hold',
    timeoutMs: 2_000,
  });
  expect((await worker.seatRow(seatIds[0])).status).toBe('AVAILABLE');
  expect(await worker.metric('bookings_expired_total', { by: 'sweep' })).toBeGreaterThan(0);
});

it('the repair deletes a status key that was written late over a released seat, within 2 s', async () => {
  const { seatIds } = await worker.makeEvent(1);
  const { id } = await worker.core.holdSeats({ seatIds, userId: 'ani' });
  await worker.core.releaseBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
  await worker.redis.set(`status:seat:${seatIds[0]}`, 'RESERVED');
  await waitFor(async () => (await keyOf(seatIds[0])) === null, {
    description: 'the stale key to be deleted',
    timeoutMs: 2_000,
  });
  expect(await worker.metric('seat_status_cache_repairs_total')).toBeGreaterThan(0);
});

it('the repair writes a status key that was lost over a sold seat, within 2 s', async () => {
  const { seatIds } = await worker.makeEvent(1);
  const { id } = await worker.core.holdSeats({ seatIds, userId: 'ani' });
  await worker.core.confirmBooking({ bookingId: id, ownedBy: anyone, actor: 'test' });
  await worker.redis.del(`status:seat:${seatIds[0]}`);
  await waitFor(async () => (await keyOf(seatIds[0])) === 'SOLD', {
    description: 'the lost key to be written',
    timeoutMs: 2_000,
  });
  expect(await worker.redis.pttl(`status:seat:${seatIds[0]}`)).toBe(-1);
});

it('the clock loop measures the offset between the clocks of Redis and PostgreSQL', async () => {
  const offset = await waitFor(
    async () => {
      const shown = await worker.metric('redis_clock_offset_seconds');
      return shown === 0 ? undefined : shown;
    },
    { description: 'the offset to be measured' },
  );
  expect(Math.abs(offset)).toBeLessThan(1);
});
