import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { holdSeatsOf29November, lockUsersOf29November } from './hold-seats.sql.ts';

export interface HeldSeat {
  readonly seatId: string;
  readonly userId: string;
}

/** Of its connections in `pg_stat_activity`. */
export const nameOf29November = 'of-29-november';

const holdSeconds = 120;
const maxHeldSeatsPerUser = 20;

/**
 * Connections as the engine had them that day. They plan as its did, and keep their plans: the tables are full before
 * the first statement. Without its time limits: on a busy machine 32 of them take their time.
 */
export function openPoolOf29November(databaseUrl: string, connections: number): pg.Pool {
  return new pg.Pool({
    connectionString: databaseUrl,
    options: '-c enable_seqscan=off -c plan_cache_mode=auto -c jit=off -c TimeZone=UTC',
    max: connections,
    application_name: nameOf29November,
    connectionTimeoutMillis: 10_000,
    // Queries sent together on a connection are one round trip.
    pipeline: true,
  });
}

const mostPerCommit = 64;

/** Books these seats, each for a buyer of its own, up to 64 in one transaction and one round trip, as the engine did. */
export async function holdAsOn29November(client: pg.PoolClient, seats: readonly HeldSeat[]): Promise<void> {
  for (let from = 0; from < seats.length; from += mostPerCommit)
    await commit(client, seats.slice(from, from + mostPerCommit));
}

async function commit(client: pg.PoolClient, seats: readonly HeldSeat[]): Promise<void> {
  const bookingIds = seats.map(() => uuidv7());
  const seatIds = seats.map(({ seatId }) => seatId);
  const userIds = seats.map(({ userId }) => userId);
  const none = seats.map(() => null);
  const requestIds = userIds.map((userId) => `of-${userId}`);
  const values = [
    bookingIds,
    userIds,
    requestIds,
    bookingIds,
    seatIds,
    holdSeconds,
    maxHeldSeatsPerUser,
    none,
    none,
  ];
  const [, , held] = await Promise.all([
    client.query('begin'),
    client.query({ ...lockUsersOf29November, values: [userIds, seatIds] }),
    client.query<{ verdict: string }>({ ...holdSeatsOf29November, values }),
    client.query('commit'),
  ]);
  const refused = held.rows.find(({ verdict }) => verdict !== 'HELD');
  if (refused !== undefined) throw new Error(`a free seat was ${refused.verdict}`);
}
