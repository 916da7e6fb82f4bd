import { createExpiryQueue, openQueueRedis } from '@ticketing/seat-core/clients';
import type { BookingAnswer } from '../history.ts';
import { createRandom } from '../random.ts';

const bookingsAtOnce = 40;
const jobsEach = 3;

/** Adds duplicate, early, late and unordered clean-up jobs of any booking of the run, whatever its status. */
export async function repeatJobs(
  redisUrl: string,
  bookings: readonly BookingAnswer[],
  choice: number,
): Promise<void> {
  if (bookings.length === 0) return;
  const random = createRandom(choice, 'jobs');
  const redis = await openQueueRedis({ redisUrl });
  const queue = createExpiryQueue(redis);
  queue.on('error', () => undefined);
  const addJob = ({ id: bookingId, eventId, seats }: BookingAnswer) =>
    queue.add(
      'cleanup',
      { bookings: [{ bookingId, eventId, seatIds: seats.map((seat) => seat.id) }] },
      { delay: random.between(0, 800), removeOnComplete: true },
    );
  try {
    const chosen = Array.from({ length: bookingsAtOnce }, () => random.pick(bookings));
    await Promise.all(chosen.flatMap((booking) => Array.from({ length: jobsEach }, () => addJob(booking))));
  } finally {
    await queue.close();
    redis.disconnect();
  }
}
