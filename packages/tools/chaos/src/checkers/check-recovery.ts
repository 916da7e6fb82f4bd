import { setTimeout as delay } from 'node:timers/promises';
import { deadlineFactor } from '@ticketing/testkit';
import type { Cluster } from '../cluster/cluster.ts';
import { withDatabase, withRedis } from '../cluster/stores.ts';
import { bookingOf, now, type Finding, type Operation } from '../history.ts';
import { sendRequest } from '../workload/send-request.ts';

/** Three seconds until every circuit is closed, and two until the repair has been through. */
const repairedWithinMs = 5_000;
const seatsTried = 8;

/**
 * After the faults no status key contradicts the table. A missing key says "ask the database", as after a flush: it
 * contradicts nothing.
 */
export async function checkStatusKeys(cluster: Cluster): Promise<Finding[]> {
  const deadline = now() + repairedWithinMs * deadlineFactor();
  return withDatabase(cluster.databaseUrl, async (client) =>
    withRedis(cluster.redisUrl, async (redis) => {
      for (;;) {
        const { rows } = await client.query<{ id: string; status: string }>('select id, status from seats');
        const keys = await redis.mget(rows.map(({ id }) => `status:seat:${id}`));
        const wrong = rows.flatMap(({ id, status }, index) => {
          const key = keys[index] ?? null;
          return key === null || key === status ? [] : [`seat ${id} is ${status}, its key says ${key}`];
        });
        if (wrong.length === 0) return [];
        if (now() > deadline) {
          return wrong.slice(0, 5).map((detail) => ({ check: 'status-keys-are-right', detail }));
        }
        await delay(50);
      }
    }),
  );
}

/**
 * After the faults every client gets what it asks for, one request at a time: seats that are AVAILABLE, or whose hold is
 * overdue, are held, the retry finds the hold, and the hold is confirmed or released. A seat whose lock the last faults left
 * behind can be held when that lock ends by itself.
 */
export async function checkFreeSeatsSell(
  cluster: Cluster,
  record: (operation: Operation) => void,
): Promise<Finding[]> {
  const { databaseUrl, membersOf, settings } = cluster;
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ id: string }>(
      `select id from seats where status = 'AVAILABLE' or id in (
         select line.seat_id from bookings booking join booking_seats line on line.booking_id = booking.id
         where booking.status = 'PENDING' and booking.expires_at < clock_timestamp())
       order by version desc limit ${seatsTried}`,
    ),
  );
  const locksEndAt = now() + settings.seatLockSeconds * 1_000 * deadlineFactor();
  const attempts: Operation[] = [];
  for (const [index, { id }] of rows.entries()) {
    const request = { userId: `late-${index}`, seatIds: [id], key: `late-${id}`, bookingId: undefined };
    const send = async (kind: Operation['kind'], bookingId?: string): Promise<Operation> => {
      const members = membersOf(kind === 'confirm' ? 'payment-api' : 'booking-api');
      const member = members[index % members.length]!;
      const operation = await sendRequest({ ...request, kind, bookingId, member });
      record(operation);
      return operation;
    };
    let hold = await send('hold');
    while (hold.result.kind === 'refused' && hold.result.code === 'SEAT_LOCKED' && now() < locksEndAt) {
      await delay(50);
      hold = await send('hold');
    }
    attempts.push(hold);
    const booking = bookingOf(hold);
    if (booking === undefined) continue;
    const others = [await send('hold'), await send(index % 2 === 0 ? 'confirm' : 'release', booking.id)];
    // A slow machine may let the hold end in between.
    if (now() < hold.invokedAt + settings.holdSeconds * 1_000) attempts.push(...others);
  }
  return findUnsold(attempts);
}

export function findUnsold(attempts: readonly Operation[]): Finding[] {
  return attempts.flatMap(({ kind, seatIds, result }) => {
    if (result.kind === 'done') return [];
    const answer = result.kind === 'refused' ? result.code : result.why;
    const detail = `${kind} of seat ${seatIds.join()}, which was free: ${answer}`;
    return [{ check: 'free-seats-sell', detail }];
  });
}
