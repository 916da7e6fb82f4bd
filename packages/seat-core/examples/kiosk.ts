import { randomUUID } from 'node:crypto';
import { openSeatCore, SeatCoreError, startExpiryWorker, type Booking } from '@ticketing/seat-core';

/* A ticket kiosk: it holds two seats for a customer, takes the money, and sells the seats. */

const { DATABASE_URL: databaseUrl = '', REDIS_URL: redisUrl = '' } = process.env;
const core = await openSeatCore({ databaseUrl, redisUrl });
const worker = await startExpiryWorker(core, { redisUrl });

const { events } = await core.listEvents();
const event = events.find(({ startsAt, seatCounts }) => startsAt > new Date() && seatCounts.available >= 2);
if (event === undefined) throw new Error('No event has two free seats.');

/** In a crowd another buyer may be faster: then other seats are offered. */
async function holdTwoSeats(eventId: string, userId: string, attempts = 3): Promise<Booking> {
  const { seats } = await core.listAvailableSeats({ eventId, limit: 2 });
  try {
    // The key makes a retry harmless: sent again, the request gets the same answer and holds nothing twice.
    const seatIds = seats.map(({ id }) => id);
    return await core.holdSeats({ seatIds, userId, idempotencyKey: randomUUID() });
  } catch (error) {
    const isRaceLost = error instanceof SeatCoreError && (error.is('SEAT_TAKEN') || error.is('SEAT_LOCKED'));
    if (!isRaceLost || attempts === 1) throw error;
    return holdTwoSeats(eventId, userId, attempts - 1);
  }
}

const held = await holdTwoSeats(event.id, 'ani');
console.log(`ani holds ${held.seats.length} seats for ${held.expiresInSeconds} seconds`);

try {
  await core.holdSeats({ seatIds: held.seats.map(({ id }) => id), userId: 'budi' });
} catch (error) {
  if (!(error instanceof SeatCoreError && error.is('SEAT_TAKEN'))) throw error;
  console.log(`budi is too late: ${error.details.seatIds.length} seats are taken`);
}

// Here the kiosk takes the money. If it never comes, the worker ends the hold at its deadline.
const sold = await core.confirmBooking({
  bookingId: held.id,
  ownedBy: 'ani',
  actor: 'kiosk-7',
  idempotencyKey: `pay-${held.id}`,
});
const map = await core.getSeatMap({ eventId: sold.eventId });
const soldSeats = map.seats.filter(({ status }) => status === 'SOLD');
console.log(`${sold.status}: ${soldSeats.length} of ${map.seats.length} seats are sold`);

await worker.stop();
await core.close();
