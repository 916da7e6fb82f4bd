import { randomUUID } from 'node:crypto';
import { openSeatCore, SeatCoreError, startExpiryWorker } from '@ticketing/seat-core';

/* A ticket kiosk: it holds two seats for a customer, takes the money, and sells the seats. */

const { DATABASE_URL: databaseUrl = '', REDIS_URL: redisUrl = '' } = process.env;
const core = await openSeatCore({ databaseUrl, redisUrl });
const worker = await startExpiryWorker(core, { redisUrl });

const [event] = (await core.listEvents({ limit: 1 })).events;
if (event === undefined) throw new Error('There is no event to sell.');
const { seats } = await core.listAvailableSeats({ eventId: event.id, limit: 2 });
const seatIds = seats.map(({ id }) => id);

// The key makes a retry harmless: sent again, the request gets the same answer and holds nothing twice.
const orderId = randomUUID();
const held = await core.holdSeats({ seatIds, userId: 'ani', idempotencyKey: orderId });
console.log(`ani holds ${held.seats.length} seats for ${held.expiresInSeconds} seconds`);

try {
  await core.holdSeats({ seatIds, userId: 'budi' });
} catch (error) {
  if (!(error instanceof SeatCoreError && error.is('SEAT_TAKEN'))) throw error;
  console.log(`budi is too late: ${error.details.seatIds.length} seats are taken`);
}

// Here the kiosk takes the money. If it never comes, the worker ends the hold at its deadline.
const sold = await core.confirmBooking({
  bookingId: held.id,
  ownedBy: 'ani',
  actor: 'kiosk-7',
  idempotencyKey: orderId,
});
const map = await core.getSeatMap({ eventId: sold.eventId });
const soldSeats = map.seats.filter(({ status }) => status === 'SOLD');
console.log(`${sold.status}: ${soldSeats.length} of ${map.seats.length} seats are sold`);

await worker.stop();
await core.close();
