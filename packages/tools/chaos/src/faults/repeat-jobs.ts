import { createExpiryQueue, openQueueRedis } from '@ticketing/seat-core/clients';
import { createRandom } from '../random.ts';

const bookingsAtOnce = 40;
const jobsEach = 3;

/** Adds duplicate, early, late and unordered clean-up jobs of any booking of the run, whatever its status. */
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
  const addJob = (bookingId: string) =>
    queue.add(
      'cleanup',
      { bookings: [{ bookingId, seatIds: [] }] },
      { delay: random.between(0, 800), removeOnComplete: true },
    );
  try {
    const chosen = Array.from({ length: bookingsAtOnce }, () => random.pick(bookingIds));
    await Promise.all(chosen.flatMap((id) => Array.from({ length: jobsEach }, () => addJob(id))));
  } finally {
    await queue.close();
    redis.disconnect();
  }
}
