import type { CheckResult } from '../audit.ts';
import { Differences } from './differences.ts';
import { groupOrdered, mergeOrdered } from './merge-ordered.ts';
import type { ReadTransaction } from '../read-transaction.ts';
import { readBookings, readLines, readRecords } from './rebuild.sql.ts';
import type { BookingStatus } from '../../types.ts';

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

/** Rebuilds each booking and its order lines from `booking_events`, and compares them with the tables. */
export async function rebuildBookings(
  transaction: ReadTransaction,
  onProgress: (records: number) => void,
): Promise<{ records: number; results: CheckResult[] }> {
  const bookingDifferences = new Differences('rebuild-bookings');
  const lineDifferences = new Differences('rebuild-lines');
  const histories = groupOrdered(transaction.stream<RecordRow>(readRecords), keyOf);
  const bookings = transaction.stream<BookingRow>(readBookings);
  const lines = groupOrdered(transaction.stream<LineRow>(readLines), keyOf);
  const stored = mergeOrdered(bookings, lines, {
    left: keyOf,
    right: ([first]: Group<LineRow>) => keyOf(first),
  });
  let records = 0;
  for await (const { left: history, right: row } of mergeOrdered(histories, stored, {
    left: ([first]) => keyOf(first),
    right: ({ left, right }) => keyOf((left ?? right?.[0])!),
  })) {
    records += history?.length ?? 0;
    const id = history?.[0].booking_id ?? (row?.left ?? row?.right?.[0])?.booking_id;
    const rebuilt = history === undefined ? undefined : rebuild(history);
    compare(`booking ${id}`, row?.left, rebuilt?.booking, bookingDifferences);
    compare(`the lines of booking ${id}`, row?.right, rebuilt?.lines, lineDifferences);
    onProgress(records);
  }
  return { records, results: [bookingDifferences.result, lineDifferences.result] };
}

function keyOf({ event_id: eventId, booking_id: bookingId }: RecordRow | BookingRow | LineRow): string {
  return `${eventId} ${bookingId}`;
}

function compare(name: string, stored: unknown, rebuilt: unknown, differences: Differences): void {
  const [inTable, inHistory] = [JSON.stringify(stored), JSON.stringify(rebuilt)];
  if (inTable !== inHistory)
    differences.add(`${name}: the table has ${inTable ?? 'nothing'}, the history ${inHistory ?? 'nothing'}`);
}

/** @returns undefined when the records do not begin with the creation: the table then differs from nothing */
function rebuild([created, ...later]: Group<RecordRow>):
  { booking: BookingRow; lines: LineRow[] } | undefined {
  const { prices, user_id: userId, currency, expires_at: expiresAt } = created;
  if (
    created.from_status !== null ||
    prices === null ||
    userId === null ||
    currency === null ||
    expiresAt === null
  )
    return undefined;
  const ids = { event_id: created.event_id, booking_id: created.booking_id };
  const last = later.at(-1) ?? created;
  return {
    booking: {
      ...ids,
      user_id: userId,
      status: last.to_status,
      seat_count: created.seat_ids.length,
      total_amount: String(prices.reduce((sum, price) => sum + BigInt(price), 0n)),
      currency,
      created_at: created.at,
      expires_at: expiresAt,
      confirmed_at: last.to_status === 'CONFIRMED' ? last.at : null,
    },
    lines: created.seat_ids.map((seatId, index) => ({
      ...ids,
      seat_id: seatId,
      price_amount: prices[index] ?? 'none',
      live: last.to_status === 'PENDING' || last.to_status === 'CONFIRMED',
    })),
  };
}
