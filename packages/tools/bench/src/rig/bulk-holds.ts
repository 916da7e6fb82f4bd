import { closeRedis, createExpiryQueue, expiryJobName, openQueueRedis } from '@ticketing/seat-core/clients';
import { v7 as uuidv7 } from 'uuid';
import { withDatabase } from './stores.ts';

export interface BulkHold {
  readonly bookingId: string;
  readonly eventId: string;
  readonly seatId: string;
}

const statement = `
with requested_seats as (
  select request.booking_id, request.n, seat.*
  from unnest($1::uuid[], $2::uuid[]) with ordinality as request(booking_id, seat_id, n)
  join seats seat on seat.event_id = $3 and seat.id = request.seat_id
),
new_bookings as (
  insert into bookings (id, event_id, user_id, status, seat_count, total_amount, currency, created_at, expires_at)
  select booking_id, event_id, 'holder-' || n, 'PENDING', 1, price_amount, currency, now(), $4
  from requested_seats
),
new_lines as (
  insert into booking_seats (event_id, booking_id, seat_id, price_amount, live)
  select event_id, booking_id, id, price_amount, true
  from requested_seats
),
new_history as (
  insert into booking_events (event_id, booking_id, from_status, to_status, cause, actor, request_id, at,
                              seat_ids, seat_versions, user_id, prices, currency, expires_at)
  select event_id, booking_id, null, 'PENDING', 'hold', 'holder-' || n, null, now(),
         array[id], array[version + 1], 'holder-' || n, array[price_amount], currency, $4
  from requested_seats
)
update seats seat
set status = 'RESERVED', version = seat.version + 1
from requested_seats requested
where seat.event_id = requested.event_id and seat.id = requested.id`;

/** Holds each of these seats by a booking of its own, all until the same instant, in one statement to be quick. */
export async function holdInBulk(
  databaseUrl: string,
  eventId: string,
  seatIds: readonly string[],
  expiresAt: Date,
): Promise<BulkHold[]> {
  const holds = seatIds.map((seatId) => ({ seatId, eventId, bookingId: uuidv7() }));
  await withDatabase(databaseUrl, (client) =>
    client.query(statement, [holds.map(({ bookingId }) => bookingId), seatIds, eventId, expiresAt]),
  );
  return holds;
}

/** About as many as a commit has at 64 callers. */
const holdsPerJob = 32;

/** Adds the clean-up jobs that the engine would have added for these holds. */
export async function scheduleInBulk(redisUrl: string, holds: BulkHold[], expiresAt: Date): Promise<void> {
  const redis = await openQueueRedis({ redisUrl });
  const queue = createExpiryQueue(redis);
  const delay = Math.max(0, expiresAt.getTime() - Date.now());
  const jobs = Array.from({ length: Math.ceil(holds.length / holdsPerJob) }, (_, job) => {
    const [first, ...rest] = holds
      .slice(job * holdsPerJob, (job + 1) * holdsPerJob)
      .map(({ bookingId, eventId, seatId }) => ({ bookingId, eventId, seatIds: [seatId] }));
    const opts = { jobId: `b-${first!.bookingId}`, delay, attempts: 3, removeOnComplete: true };
    return { name: expiryJobName, data: { bookings: [first!, ...rest] as const }, opts } as const;
  });
  await queue.addBulk(jobs);
  await queue.close();
  await closeRedis(redis);
}
