import { closeRedis, createExpiryQueue, expiryJobName, openQueueRedis } from '@ticketing/seat-core';
import { v7 as uuidv7 } from 'uuid';
import { withDatabase } from './stores.ts';

export interface BulkHold {
  readonly bookingId: string;
  readonly seatId: string;
}

const statement = `
with wanted as (
  select wanted.booking_id, wanted.n, seat.*
  from unnest($1::uuid[], $2::uuid[]) with ordinality as wanted(booking_id, seat_id, n)
  join seats seat on seat.event_id = $3 and seat.id = wanted.seat_id
),
booked as (
  insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at)
  select booking_id, event_id, 'holder-' || n, 'PENDING', 1, price_amount, currency, now(), $4
  from wanted
),
lines as (
  insert into booking_seats (event_id, booking_id, seat_id, price_amount, live)
  select event_id, booking_id, id, price_amount, true
  from wanted
),
recorded as (
  insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, request_id, at,
                              seat_ids, seat_versions, user_id, prices, currency, expires_at)
  select event_id, booking_id, null, 'PENDING', 'hold', 'holder-' || n, null, now(),
         array[id], array[version + 1], 'holder-' || n, array[price_amount], currency, $4
  from wanted
)
update seats seat
set status = 'RESERVED', version = seat.version + 1
from wanted
where seat.event_id = wanted.event_id and seat.id = wanted.id`;

/** As if each of these seats had been booked by somebody, all until the same instant; in one statement, to be quick. */
export async function holdInBulk(
  databaseUrl: string,
  eventId: string,
  seatIds: readonly string[],
  expiresAt: Date,
): Promise<BulkHold[]> {
  const holds = seatIds.map((seatId) => ({ seatId, bookingId: uuidv7() }));
  await withDatabase(databaseUrl, (client) =>
    client.query(statement, [holds.map(({ bookingId }) => bookingId), seatIds, eventId, expiresAt]),
  );
  return holds;
}

/** About what a commit carries at 64 callers. */
const holdsPerJob = 32;

/** The clean-up jobs that the engine would have added for them. */
export async function scheduleInBulk(
  redisUrl: string,
  holds: readonly BulkHold[],
  expiresAt: Date,
): Promise<void> {
  const redis = await openQueueRedis({ redisUrl });
  const queue = createExpiryQueue(redis);
  const jobs = Array.from({ length: Math.ceil(holds.length / holdsPerJob) }, (_, job) => {
    const [first, ...rest] = holds
      .slice(job * holdsPerJob, (job + 1) * holdsPerJob)
      .map(({ bookingId, seatId }) => ({ bookingId, seatIds: [seatId] }));
    return {
      name: expiryJobName,
      data: { bookings: [first!, ...rest] as const },
      opts: {
        jobId: `b-${first!.bookingId}`,
        delay: Math.max(0, expiresAt.getTime() - Date.now()),
        attempts: 3,
        removeOnComplete: true,
      },
    } as const;
  });
  await queue.addBulk(jobs.map((job) => ({ ...job, data: { bookings: [...job.data.bookings] } })));
  await queue.close();
  await closeRedis(redis);
}
