import { createExpiryQueue, openQueueRedis } from '@ticketing/seat-core';
import { createRandom } from '../random.ts';

/** How many bookings get more jobs in one go, and how many each. */
const bookingsAtOnce = 40;
const jobsEach = 3;

/** Adds clean-up jobs that are duplicates, early, late and out of order: of any booking of the run, whatever it became. */
export async function repeatJobs(
  redisUrl: string,
  bookingIds: readonly string[],
  choice: number,
): Promise<void> {
  if (bookingIds.length === 0) return;
  const random = createRandom(choice, 'jobs');
  const redis = await openQueueRedis({ redisUrl });
  const queue = createExpiryQueue(redis);
  queue.on('error', () => undefined);
  try {
    const chosen = Array.from({ length: bookingsAtOnce }, () => random.pick(bookingIds));
    await Promise.all(
      chosen.flatMap((bookingId) =>
        Array.from({ length: jobsEach }, () =>
          queue.add(
            'cleanup',
            { bookings: [{ bookingId, seatIds: [] }] },
            { delay: random.between(0, 800), removeOnComplete: true },
          ),
        ),
      ),
    );
  } finally {
    await queue.close();
    redis.disconnect();
  }
}
