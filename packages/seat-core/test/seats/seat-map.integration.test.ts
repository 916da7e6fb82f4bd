import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyone } from '../../src/records/ownership.ts';
import type { SeatMap } from '../../src/seats/seat-map.ts';
import { openTestEngine, type TestEngine } from '../fixtures/test-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(async () => engine[Symbol.asyncDispose]());

async function mapAtVersion(eventId: string, version: number): Promise<SeatMap> {
  await expect
    .poll(async () => (await engine.core.getSeatMap({ eventId })).version, { timeout: 2_500 })
    .toBe(version);
  return engine.core.getSeatMap({ eventId });
}

describe('getSeatMap', () => {
  it('shows every seat, and a version that rises with each change', async () => {
    const { event, seatIds } = await engine.makeEvent(3);
    const before = await engine.core.getSeatMap({ eventId: event.id });
    expect(before.version).toBe(0);
    const booking = await engine.core.holdSeats({ seatIds: seatIds.slice(0, 2), userId: 'ani' });
    await engine.core.confirmBooking({ bookingId: booking.id, ownedBy: anyone, actor: 'ani' });
    const map = await mapAtVersion(event.id, 4);
    expect(map).toEqual({
      eventId: event.id,
      version: 4,
      asOf: expect.any(Date) as Date,
      seats: seatIds.map((id, index) => ({
        id,
        eventId: event.id,
        section: 'Stalls',
        row: 'A',
        number: index + 1,
        price: { amount: 150_000, currency: 'IDR' },
        status: index < 2 ? 'SOLD' : 'AVAILABLE',
      })),
    });
    expect(map.asOf.getTime()).toBeGreaterThan(before.asOf.getTime());
  });

  it('keeps the object of a seat whose status did not change, and leaves earlier maps as they were', async () => {
    const { event, seatIds } = await engine.makeEvent(4);
    const before = await engine.core.getSeatMap({ eventId: event.id });
    const { id: bookingId } = await engine.core.holdSeats({ seatIds: [seatIds[1]!], userId: 'ani' });
    const held = await mapAtVersion(event.id, 1);
    const isSame = (map: SeatMap, other: SeatMap) =>
      map.seats.map((seat, index) => seat === other.seats[index]);
    expect(isSame(held, before)).toEqual([true, false, true, true]);
    expect(held.seats[1]).toEqual({ ...before.seats[1], status: 'RESERVED' });
    expect(before.seats.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'AVAILABLE'));

    await engine.core.confirmBooking({ bookingId, ownedBy: anyone, actor: 'ani' });
    const sold = await mapAtVersion(event.id, 2);
    expect(isSame(sold, held)).toEqual([true, false, true, true]);
    expect(sold.seats[1]?.status).toBe('SOLD');
  });

  it('builds the map of an event at most once a second, for however many callers', async () => {
    const { event } = await engine.makeEvent(2);
    const maps = await Promise.all(
      Array.from({ length: 50 }, () => engine.core.getSeatMap({ eventId: event.id })),
    );
    expect(new Set(maps).size).toBe(1);
    expect(await engine.core.getSeatMap({ eventId: event.id.toUpperCase() })).toBe(maps[0]);
  });
});
