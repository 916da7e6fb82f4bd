import type { CheckResult } from './audit-invariants.ts';
import { groupOrdered, mergeOrdered } from './merge-ordered.ts';
import { ReplayFindings } from './replay-findings.ts';
import type { Snapshot } from './read-transaction.ts';
import type { BookingStatus, SeatStatus } from '../types.ts';

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
interface ReplayedSeat {
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

/** Plays each seat's transitions in the order of their versions, and compares where that ends with the table. */
export async function replaySeats(
  snapshot: Snapshot,
  onProgress: (transitions: number) => void,
): Promise<{ transitions: number; result: CheckResult }> {
  const findings = new ReplayFindings('replay-seats');
  const histories = groupOrdered(
    snapshot.stream<TransitionRow>(`
      select record.event_id, moved.seat_id, moved.version::text, record.booking_id, record.from_status, record.to_status
      from booking_events record
      cross join unnest(record.seat_ids, record.seat_versions) as moved(seat_id, version)
      order by record.event_id, moved.seat_id, moved.version`),
    keyOf,
  );
  const seats = snapshot.stream<SeatRow>(
    'select event_id, id as seat_id, version::text, status from seats order by event_id, id',
  );
  const keys = { left: ([first]: [TransitionRow, ...TransitionRow[]]) => keyOf(first), right: keyOf };
  let transitions = 0;
  for await (const { left: history, right: seat } of mergeOrdered(histories, seats, keys)) {
    transitions += history?.length ?? 0;
    const replayed = play(history ?? []);
    const told = `${replayed.status} at version ${replayed.version}`;
    if (seat === undefined) findings.add(`seat ${history?.[0].seat_id} has a history and no row`);
    else if (replayed.broken !== undefined) findings.add(`seat ${seat.seat_id}: ${replayed.broken}`);
    else if (seat.status !== replayed.status || Number(seat.version) !== replayed.version) {
      findings.add(
        `seat ${seat.seat_id} is ${seat.status} at version ${seat.version}, its history says ${told}`,
      );
    }
    onProgress(transitions);
  }
  return { transitions, result: findings.result };
}

function keyOf({ event_id: eventId, seat_id: seatId }: TransitionRow | SeatRow): string {
  return `${eventId} ${seatId}`;
}

/** A seat is held when it is free, and whoever holds it ends that, nobody else. */
function play(history: readonly TransitionRow[]): ReplayedSeat {
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
