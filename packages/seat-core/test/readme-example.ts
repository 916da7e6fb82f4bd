import { openSeatCore, runMigrations, SeatCoreError } from '@ticketing/seat-core';
import { anyone } from '../src/records/ownership.ts';

export async function sellOneSeat(databaseUrl: string, redisUrl: string): Promise<string[]> {
  await runMigrations({ databaseUrl });
  const core = await openSeatCore({ databaseUrl, redisUrl, holdSeconds: 120 });
  try {
    const event = await core.createEvent({
      name: 'Gamelan Night',
      venue: 'Gedung Kesenian',
      startsAt: new Date('2027-03-01T19:00:00+07:00'),
      sections: [
        { name: 'Stalls', price: { amount: 200_000, currency: 'IDR' }, rows: [{ name: 'A', seats: 12 }] },
      ],
    });

    const { seats } = await core.listAvailableSeats({ eventId: event.id, limit: 2 });
    const seatIds = seats.map((seat) => seat.id);
    const held = await core.holdSeats({ seatIds, userId: 'ani' });

    const lost = await core.holdSeats({ seatIds, userId: 'budi' }).catch((error: unknown) => {
      if (error instanceof SeatCoreError) return error;
      throw error;
    });

    const sold = await core.confirmBooking({ bookingId: held.id, ownedBy: anyone, actor: 'box-office' });
    return [held.status, 'code' in lost ? lost.code : lost.status, sold.status];
    // ['PENDING', 'SEAT_TAKEN', 'CONFIRMED']
  } finally {
    await core[Symbol.asyncDispose]();
  }
}
