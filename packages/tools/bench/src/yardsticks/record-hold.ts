import { createSeatCore } from '@ticketing/seat-core';
import { closeRedis, openDatabase, openRedis } from '@ticketing/seat-core/clients';
import type pg from 'pg';

/** One query of the engine. */
export interface RecordedQuery {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** The queries of the engine for one booking, and the ids of that booking. */
export interface RecordedHold {
  readonly queries: readonly RecordedQuery[];
  readonly seatId: string;
  readonly userId: string;
  readonly bookingId: string;
}

/**
 * Lets the engine book one seat and records its queries: so the yardstick is always the engine's own transaction, and
 * no copy that grows old.
 */
export async function recordHold(
  databaseUrl: string,
  redisUrl: string,
  seatId: string,
): Promise<RecordedHold> {
  const database = openDatabase({ databaseUrl, poolMax: 4 });
  const queries: RecordedQuery[] = [];
  database.$client.on('connect', (client) => record(client, queries));
  const redis = await openRedis({ redisUrl });
  const userId = 'recorded-buyer';
  try {
    await using core = createSeatCore({ database, redis });
    await core.ping();
    queries.length = 0;
    const { id: bookingId } = await core.holdSeats({ seatIds: [seatId], userId, requestId: 'recorded' });
    if (!JSON.stringify(queries).includes(seatId)) throw new Error('no query of the booking names its seat');
    return { queries, seatId, userId, bookingId };
  } finally {
    await closeRedis(redis);
    await database.$client.end();
  }
}

function record(client: pg.PoolClient, queries: RecordedQuery[]): void {
  const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
  client.query = ((...args: readonly unknown[]) => {
    const [first] = args;
    const sent = typeof first === 'string' ? { text: first } : (first as RecordedQuery);
    if (!isUpkeep(sent)) queries.push(sent);
    return query(...args);
  }) as typeof client.query;
}

/** What the engine sends now and then, whether there is a booking or not. */
function isUpkeep({ name, text }: RecordedQuery): boolean {
  return name === 'read-state' || text === 'discard plans';
}

/** The same queries for another booking: wherever a value names the recorded ids it names these instead. */
export function forAnother(
  { queries, ...recorded }: RecordedHold,
  { seatId, userId, bookingId }: Omit<RecordedHold, 'queries'>,
): readonly RecordedQuery[] {
  const exchange = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(exchange);
    if (typeof value !== 'string') return value;
    return value
      .replace(recorded.seatId, seatId)
      .replace(recorded.bookingId, bookingId)
      .replace(recorded.userId, userId);
  };
  return queries.map((query) =>
    query.values === undefined ? query : { ...query, values: query.values.map(exchange) },
  );
}
