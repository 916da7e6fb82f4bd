import type { Evidence, Transition } from '../src/checkers/evidence.ts';
import type { Operation, OperationResult } from '../src/history.ts';

/** One seat that was held, released, held again and paid, and everybody's answers. All times in milliseconds. */
export function soundEvidence(): Evidence {
  const seats = [{ id: 'a1', status: 'SOLD' as const, version: 4 }];
  const booking = (id: string, userId: string, status: 'CANCELLED' | 'CONFIRMED', expiresAt: number) => ({
    id,
    userId,
    status,
    expiresAt,
  });
  const bookings = [booking('b1', 'ani', 'CANCELLED', 2_010), booking('b2', 'budi', 'CONFIRMED', 2_210)];
  return {
    operations: [
      operation('o1', 'hold', 'ani', 0, 20, { bookingId: 'b1' }),
      operation('o2', 'release', 'ani', 100, 120, { bookingId: 'b1' }),
      operation('o3', 'hold', 'budi', 200, 220, { bookingId: 'b2' }),
      operation('o4', 'confirm', 'budi', 300, 320, { bookingId: 'b2' }),
    ],
    bookings: new Map(bookings.map((row) => [row.id, row])),
    seats: new Map(seats.map((row) => [row.id, row])),
    transitions: [
      transition('b1', 'PENDING', 10, 1, 'o1', 'ani', 2_010),
      transition('b1', 'CANCELLED', 110, 2, 'o2'),
      transition('b2', 'PENDING', 210, 3, 'o3', 'budi', 2_210),
      transition('b2', 'CONFIRMED', 310, 4, 'o4'),
    ],
    healedAt: Number.NEGATIVE_INFINITY,
    readAt: 30_000,
    holdMs: 2_000,
    maxHeldSeats: 1,
    ticketsCounted: 1,
  };
}

export function transition(
  bookingId: string,
  to: Transition['to'],
  at: number,
  version: number,
  requestId: string | null,
  userId: string | null = null,
  expiresAt: number | null = null,
): Transition {
  return {
    bookingId,
    to,
    cause: 'test',
    requestId,
    at,
    seatIds: ['a1'],
    versions: [version],
    userId,
    expiresAt,
  };
}

const statusAfter = { hold: 'PENDING', confirm: 'CONFIRMED', release: 'CANCELLED' } as const;

export function operation(
  id: string,
  kind: Operation['kind'],
  userId: string,
  invokedAt: number,
  completedAt: number,
  more: { bookingId: string; key?: string; result?: OperationResult; seatIds?: readonly string[] },
): Operation {
  const seatIds = more.seatIds ?? ['a1'];
  const answer = {
    id: more.bookingId,
    userId,
    status: statusAfter[kind],
    seats: seatIds.map((seatId) => ({ id: seatId })),
  };
  return {
    id,
    kind,
    userId,
    member: 'test 1',
    seatIds: kind === 'hold' ? seatIds : [],
    bookingId: kind === 'hold' ? undefined : more.bookingId,
    key: more.key,
    invokedAt,
    completedAt,
    result: more.result ?? { kind: 'done', status: 200, text: JSON.stringify(answer), isReplay: false },
  };
}

export const refused = (code: string, isReplay = false): OperationResult => ({
  kind: 'refused',
  status: 400,
  code,
  text: '{}',
  isReplay,
});
