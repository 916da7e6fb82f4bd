import { setTimeout as delay } from 'node:timers/promises';
import { openSeatCore } from '@ticketing/seat-core';
import { anyone } from '../src/records/ownership.ts';

export async function expireOneSeat(databaseUrl: string, redisUrl: string): Promise<string> {
  const core = await openSeatCore({ databaseUrl, redisUrl, holdSeconds: 1 });
  try {
    const { seats } = await core.listAvailableSeats({ limit: 1 });
    const held = await core.holdSeats({ seatIds: seats.map((seat) => seat.id), userId: 'citra' });

    // What a worker does all day: see `sweepOverdue`.
    while ((await core.sweepOverdue()) === 0) await delay(100);

    const { status } = await core.getBooking({ bookingId: held.id, ownedBy: anyone });
    return status; // 'EXPIRED'
  } finally {
    await core[Symbol.asyncDispose]();
  }
}
