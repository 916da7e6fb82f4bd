import { setTimeout as delay } from 'node:timers/promises';
import { deadlineFactor } from '@ticketing/testkit';
import { now } from '../clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { withDatabase, withRedis } from '../cluster/stores.ts';
import type { Finding, Operation } from '../history.ts';
import { sendRequest } from '../workload/send-request.ts';

/** Three seconds to heal and two to be right again, as the contract and its issue have it. */
const mendedWithinMs = 5_000;

/**
 * When all is well again, no status key says of a seat what it is not. A missing key says nothing: it means
 * "ask the database", and after a flush that is how it is.
 */
export async function checkStatusKeys(cluster: Cluster): Promise<Finding[]> {
  const deadline = now() + mendedWithinMs * deadlineFactor();
  return withDatabase(cluster.databaseUrl, async (client) =>
    withRedis(cluster.redisUrl, async (redis) => {
      for (;;) {
        const { rows } = await client.query<{ id: string; status: string }>(
          `select id, case when status = 'AVAILABLE' then '' else status end as status from seats`,
        );
        const keys = await redis.mget(rows.map(({ id }) => `status:seat:${id}`));
        const wrong = rows.filter(({ status }, index) => (keys[index] ?? status) !== status);
        if (wrong.length === 0) return [];
        if (now() > deadline) {
          return wrong.slice(0, 5).map(({ id, status }) => ({
            check: 'status-keys-are-right',
            detail: `seat ${id} is ${status || 'AVAILABLE'}, its key says otherwise`,
          }));
        }
        await delay(50);
      }
    }),
  );
}

/** How many of the free seats are tried. */
const seatsTried = 8;

/**
 * When all is well again, whoever wants a seat that the table has as free gets it; one whose lock was left behind by the
 * last faults as soon as that ends by itself.
 */
export async function checkFreeSeatsSell(
  cluster: Cluster,
  record: (operation: Operation) => void,
): Promise<Finding[]> {
  const free = await withDatabase(cluster.databaseUrl, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `select id from seats where status = 'AVAILABLE' order by version desc limit ${seatsTried}`,
    );
    return rows.map(({ id }) => id);
  });
  const members = cluster.membersOf('booking-api');
  // So long a lock may outlive whoever died, or lost its connection, with it.
  const locksEndAt = now() + cluster.settings.seatLockSeconds * 1_000 * deadlineFactor();
  const tries: Operation[] = [];
  for (const [index, seatId] of free.entries()) {
    const member = members[index % members.length]!;
    const hold = { kind: 'hold', seatIds: [seatId], bookingId: undefined, key: undefined } as const;
    const ask = async () => {
      const asked = await sendRequest({ ...hold, userId: `late-${index}`, member });
      record(asked);
      return asked;
    };
    let operation = await ask();
    while (isLocked(operation) && now() < locksEndAt) {
      await delay(50);
      operation = await ask();
    }
    tries.push(operation);
  }
  return findUnsold(tries);
}

/** @param tries the last one for each seat that the table had as free */
export function findUnsold(tries: readonly Operation[]): Finding[] {
  return tries.flatMap(({ seatIds, result }) => {
    if (result.kind === 'done') return [];
    const said = result.kind === 'refused' ? result.code : result.why;
    return [{ check: 'free-seats-sell', detail: `seat ${seatIds.join()} is free, but ${said}` }];
  });
}

const isLocked = ({ result }: Operation) => result.kind === 'refused' && result.code === 'SEAT_LOCKED';
