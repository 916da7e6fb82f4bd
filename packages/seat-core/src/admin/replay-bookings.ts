import type { CheckResult } from './audit-invariants.ts';
import { groupOrdered, mergeOrdered } from './merge-ordered.ts';
import { ReplayFindings } from './replay-findings.ts';
import type { Snapshot } from './read-transaction.ts';
import type { BookingStatus } from '../types.ts';

interface RecordRow {
  readonly event_id: string;
  readonly booking_id: string;
  readonly from_status: BookingStatus | null;
  readonly to_status: BookingStatus;
  readonly at: Date;
  readonly seat_ids: string[];
  readonly user_id: string | null;
  readonly prices: string[] | null;
  readonly currency: string | null;
  readonly expires_at: Date | null;
}

interface BookingRow {
  readonly event_id: string;
  readonly booking_id: string;
  readonly user_id: string;
  readonly status: BookingStatus;
  readonly seat_count: number;
  readonly total_amount: string;
  readonly currency: string;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly confirmed_at: Date | null;
}

interface LineRow {
  readonly event_id: string;
  readonly booking_id: string;
  readonly seat_id: string;
  readonly price_amount: string;
  readonly live: boolean;
}

type Group<Row> = [Row, ...Row[]];

/** Plays each booking's records, and compares the booking and the order lines they make with the tables. */
export async function replayBookings(
  snapshot: Snapshot,
  onProgress: (records: number) => void,
): Promise<{ records: number; results: CheckResult[] }> {
  const bookingFindings = new ReplayFindings('replay-bookings');
  const lineFindings = new ReplayFindings('replay-lines');
  const histories = groupOrdered(
    snapshot.stream<RecordRow>(`
      select event_id, booking_id, from_status, to_status, at, seat_ids, user_id, prices::text[], currency, expires_at
      from booking_events order by event_id, booking_id, from_status nulls first`),
    keyOf,
  );
  const bookings = snapshot.stream<BookingRow>(`
    select event_id, id as booking_id, user_id, status, seat_count, total_amount::text, currency,
           created_at, expires_at, confirmed_at
    from bookings order by event_id, id`);
  const lines = groupOrdered(
    snapshot.stream<LineRow>(`
      select event_id, booking_id, seat_id, price_amount::text, live
      from booking_seats order by event_id, booking_id, seat_id`),
    keyOf,
  );
  const told = mergeOrdered(bookings, lines, {
    left: keyOf,
    right: ([first]: Group<LineRow>) => keyOf(first),
  });
  let records = 0;
  for await (const { left: history, right: stored } of mergeOrdered(histories, told, {
    left: ([first]) => keyOf(first),
    right: ({ left, right }) => keyOf((left ?? right?.[0])!),
  })) {
    records += history?.length ?? 0;
    const id = history?.[0].booking_id ?? (stored?.left ?? stored?.right?.[0])?.booking_id;
    const replayed = history === undefined ? undefined : play(history);
    compare(`booking ${id}`, stored?.left, replayed?.booking, bookingFindings);
    compare(`the lines of booking ${id}`, stored?.right, replayed?.lines, lineFindings);
    onProgress(records);
  }
  return { records, results: [bookingFindings.result, lineFindings.result] };
}

function keyOf({ event_id: eventId, booking_id: bookingId }: RecordRow | BookingRow | LineRow): string {
  return `${eventId} ${bookingId}`;
}

function compare(name: string, stored: unknown, replayed: unknown, findings: ReplayFindings): void {
  const [is, said] = [JSON.stringify(stored), JSON.stringify(replayed)];
  if (is !== said)
    findings.add(`${name}: the table has ${is ?? 'nothing'}, the history ${said ?? 'nothing'}`);
}

/** Undefined where the records do not begin with the booking's making, which is a finding of its own. */
function play([made, ...later]: Group<RecordRow>): { booking: BookingRow; lines: LineRow[] } | undefined {
  const { prices, user_id: userId, currency, expires_at: expiresAt } = made;
  if (
    made.from_status !== null ||
    prices === null ||
    userId === null ||
    currency === null ||
    expiresAt === null
  )
    return undefined;
  const ids = { event_id: made.event_id, booking_id: made.booking_id };
  const last = later.at(-1) ?? made;
  return {
    booking: {
      ...ids,
      user_id: userId,
      status: last.to_status,
      seat_count: made.seat_ids.length,
      total_amount: String(prices.reduce((sum, price) => sum + BigInt(price), 0n)),
      currency,
      created_at: made.at,
      expires_at: expiresAt,
      confirmed_at: last.to_status === 'CONFIRMED' ? last.at : null,
    },
    lines: made.seat_ids.map((seatId, index) => ({
      ...ids,
      seat_id: seatId,
      price_amount: prices[index] ?? 'none',
      live: last.to_status === 'PENDING' || last.to_status === 'CONFIRMED',
    })),
  };
}
