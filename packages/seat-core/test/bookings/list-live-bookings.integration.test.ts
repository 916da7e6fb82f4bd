import { auditViolations } from '@ticketing/testkit';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(async () => expect(await auditViolations(engine.databaseUrl)).toEqual([]));
afterAll(async () => engine[Symbol.asyncDispose]());

it('lists the live bookings of a user in an event, the newest first', async () => {
  const { event, seatIds } = await engine.makeEvent(4);
  const briefly = engine.withSettings({ holdSeconds: 0.05 });
  const ids: string[] = [];
  for (const seatId of seatIds.slice(0, 3)) {
    ids.unshift((await engine.core.holdSeats({ seatIds: [seatId], userId: 'citra' })).id);
  }
  await briefly.holdSeats({ seatIds: [seatIds[3]!], userId: 'citra' });
  await engine.core.confirmBooking({ bookingId: ids[1]!, ownedBy: anyone, actor: 'citra' });
  await engine.core.releaseBooking({ bookingId: ids[2]!, ownedBy: anyone, actor: 'citra' });
  await expect
    .poll(async () =>
      (await engine.core.listLiveBookings({ eventId: event.id, userId: 'citra' })).map((b) => b.id),
    )
    .toEqual(ids.slice(0, 2));
  expect(await engine.core.listLiveBookings({ eventId: event.id, userId: 'dewi' })).toEqual([]);
});
