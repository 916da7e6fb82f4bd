import pg from 'pg';

/** What the tables say, or what the history says they should, in one comparable form. */
export interface Picture {
  readonly bookings: Readonly<Record<string, object>>;
  readonly lines: Readonly<Record<string, object>>;
  /** Only seats that were ever touched. */
  readonly seats: Readonly<Record<string, { status: string; version: number }>>;
}

interface HistoryRow {
  event_id: string;
  booking_id: string;
  to_status: 'PENDING' | 'CONFIRMED' | 'EXPIRED' | 'CANCELLED';
  at: Date;
  seat_ids: string[];
  seat_versions: number[];
  user_id: string;
  prices: number[];
  currency: string;
  expires_at: Date;
}

const seatStatusAfter = {
  PENDING: 'RESERVED',
  CONFIRMED: 'SOLD',
  EXPIRED: 'AVAILABLE',
  CANCELLED: 'AVAILABLE',
};

/** Builds the tables again from `booking_events` alone: bookings by their transitions, seats by version. */
export async function replayHistory(databaseUrl: string): Promise<Picture> {
  const rows = await readAll<HistoryRow>(
    databaseUrl,

    `select event_id, booking_id, to_status, at, seat_ids, seat_versions::int[], user_id, prices::float8[], currency, expires_at
     from booking_events order by from_status nulls first`,
  );
  const bookings: Record<string, object> = {};
  const lines: Record<string, object> = {};
  const seats: Record<string, { status: string; version: number }> = {};
  for (const row of rows) {
    if (row.to_status === 'PENDING') {
      bookings[row.booking_id] = {
        event_id: row.event_id,
        user_id: row.user_id,
        status: 'PENDING',
        seat_count: row.seat_ids.length,
        total_amount: row.prices.reduce((sum, price) => sum + price, 0),
        currency: row.currency,
        created_at: row.at,
        expires_at: row.expires_at,
        confirmed_at: null,
      };
    } else {
      const confirmedAt = row.to_status === 'CONFIRMED' ? row.at : null;
      bookings[row.booking_id] = {
        ...bookings[row.booking_id],
        status: row.to_status,
        confirmed_at: confirmedAt,
      };
    }
    for (const [index, seatId] of row.seat_ids.entries()) {
      const key = `${row.booking_id} ${seatId}`;
      const live = row.to_status === 'PENDING' || row.to_status === 'CONFIRMED';
      const price = row.to_status === 'PENDING' ? { price_amount: row.prices[index] } : lines[key];
      lines[key] = { ...price, live };
      const version = row.seat_versions[index]!;
      if (version > (seats[seatId]?.version ?? 0))
        seats[seatId] = { status: seatStatusAfter[row.to_status], version };
    }
  }
  return { bookings, lines, seats };
}

export async function readTables(databaseUrl: string): Promise<Picture> {
  const bookings = await readAll<{ id: string }>(
    databaseUrl,
    `select id, event_id, user_id, status, seat_count, total_amount::float8, currency, created_at, expires_at, confirmed_at
     from bookings`,
  );
  const lines = await readAll<{ key: string }>(
    databaseUrl,
    `select booking_id || ' ' || seat_id as key, price_amount::float8, live from booking_seats`,
  );
  const seats = await readAll<{ id: string; status: string; version: number }>(
    databaseUrl,
    `select id, status, version::int from seats where version > 0`,
  );
  return {
    bookings: Object.fromEntries(bookings.map(({ id, ...booking }) => [id, booking])),
    lines: Object.fromEntries(lines.map(({ key, ...line }) => [key, line])),
    seats: Object.fromEntries(seats.map(({ id, ...seat }) => [id, seat])),
  };
}

/** On a connection without the engine's time limits: a long history takes its time. */
async function readAll<Row extends pg.QueryResultRow>(databaseUrl: string, query: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(query)).rows;
  } finally {
    await client.end();
  }
}
