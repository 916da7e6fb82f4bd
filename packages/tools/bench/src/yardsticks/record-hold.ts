import { createSeatCore, closeRedis, openDatabase, openRedis } from '@ticketing/seat-core';
import type pg from 'pg';

/** One thing that the engine sends to PostgreSQL. */
export interface Call {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What the engine sends for one booking alone, and whose booking it was. */
export interface RecordedHold {
  readonly calls: readonly Call[];
  readonly seatId: string;
  readonly userId: string;
  readonly bookingId: string;
}

/**
 * Lets the engine book one seat and writes down what it sends to PostgreSQL meanwhile: so the yardstick is the
 * engine's own transaction, whatever that is today, and no copy that grows old.
 */
export async function recordHold(
  databaseUrl: string,
  redisUrl: string,
  seatId: string,
): Promise<RecordedHold> {
  const database = openDatabase({ databaseUrl, poolMax: 1 });
  const calls: Call[] = [];
  database.$client.on('connect', (client) => listenIn(client, calls));
  const redis = await openRedis({ redisUrl });
  const userId = 'recorded-buyer';
  try {
    await using core = createSeatCore({ database, redis });
    await core.ping();
    calls.length = 0;
    const { id: bookingId } = await core.holdSeats({ seatIds: [seatId], userId, requestId: 'recorded' });
    if (!JSON.stringify(calls).includes(seatId))
      throw new Error('the engine booked a seat without naming it');
    return { calls, seatId, userId, bookingId };
  } finally {
    await closeRedis(redis);
    await database.$client.end();
  }
}

function listenIn(client: pg.PoolClient, calls: Call[]): void {
  const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
  client.query = ((...args: readonly unknown[]) => {
    const [what] = args;
    calls.push(typeof what === 'string' ? { text: what } : (what as Call));
    return query(...args);
  }) as typeof client.query;
}

/** The same for another seat: each text in the values that named what was recorded names this instead. */
export function forAnother(
  { calls, ...recorded }: RecordedHold,
  wish: Omit<RecordedHold, 'calls'>,
): readonly Call[] {
  const exchange = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(exchange);
    if (typeof value !== 'string') return value;
    return value
      .replace(recorded.seatId, wish.seatId)
      .replace(recorded.bookingId, wish.bookingId)
      .replace(recorded.userId, wish.userId);
  };
  return calls.map((call) =>
    call.values === undefined ? call : { ...call, values: call.values.map(exchange) },
  );
}
