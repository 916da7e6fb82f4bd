import type { CheckResult } from '../audit.ts';
import { Differences } from './differences.ts';
import { groupOrdered, mergeOrdered } from './merge-ordered.ts';
import type { ReadTransaction } from '../read-transaction.ts';
import { readSeats, readSeatTransitions } from './rebuild.sql.ts';
import type { BookingStatus, SeatStatus } from '../../types.ts';

interface TransitionRow {
  readonly event_id: string;
  readonly seat_id: string;
  readonly version: string;
  readonly booking_id: string;
  readonly from_status: BookingStatus | null;
  readonly to_status: BookingStatus;
}

interface SeatRow {
  readonly event_id: string;
  readonly seat_id: string;
  readonly version: string;
  readonly status: SeatStatus;
}

/** A seat as its history leaves it. */
interface RebuiltSeat {
  readonly status: SeatStatus;
  readonly version: number;
  /** The first transition that cannot follow on the one before it. */
  readonly broken?: string;
}

const seatStatusAfter = {
  PENDING: 'RESERVED',
  CONFIRMED: 'SOLD',
  EXPIRED: 'AVAILABLE',
  CANCELLED: 'AVAILABLE',
} as const satisfies Record<BookingStatus, SeatStatus>;

/** Rebuilds each seat from its transitions, in the order of their versions, and compares it with the table. */
export async function rebuildSeats(
  transaction: ReadTransaction,
  onProgress: (transitions: number) => void,
): Promise<{ transitions: number; result: CheckResult }> {
  const differences = new Differences('rebuild-seats');
  const histories = groupOrdered(transaction.stream<TransitionRow>(readSeatTransitions), keyOf);
  const seats = transaction.stream<SeatRow>(readSeats);
  const keys = { left: ([first]: [TransitionRow, ...TransitionRow[]]) => keyOf(first), right: keyOf };
  let transitions = 0;
  for await (const { left: history, right: seat } of mergeOrdered(histories, seats, keys)) {
    transitions += history?.length ?? 0;
    const rebuilt = rebuild(history ?? []);
    const inHistory = `${rebuilt.status} at version ${rebuilt.version}`;
    if (seat === undefined) differences.add(`seat ${history?.[0].seat_id} has a history and no row`);
    else if (rebuilt.broken !== undefined) differences.add(`seat ${seat.seat_id}: ${rebuilt.broken}`);
    else if (seat.status !== rebuilt.status || Number(seat.version) !== rebuilt.version) {
      differences.add(
        `seat ${seat.seat_id} is ${seat.status} at version ${seat.version}, its history says ${inHistory}`,
      );
    }
    onProgress(transitions);
  }
  return { transitions, result: differences.result };
}

function keyOf({ event_id: eventId, seat_id: seatId }: TransitionRow | SeatRow): string {
  return `${eventId} ${seatId}`;
}

/** Only a free seat can be held, and only the booking that holds it can sell or free it. */
function rebuild(history: readonly TransitionRow[]): RebuiltSeat {
  let status: SeatStatus = 'AVAILABLE';
  let version = 0;
  let holder: string | undefined;
  for (const step of history) {
    const isNext = Number(step.version) === version + 1;
    const isLegal =
      step.from_status === null
        ? status === 'AVAILABLE'
        : status === 'RESERVED' && step.booking_id === holder;
    if (!isNext || !isLegal) {
      const broken = `${step.to_status} of booking ${step.booking_id} at version ${step.version} cannot follow ${status} at version ${version}`;
      return { status, version, broken };
    }
    version += 1;
    status = seatStatusAfter[step.to_status];
    holder = step.booking_id;
  }
  return { status, version };
}
