import { describe, expect, it } from 'vitest';
import { checkHistory } from '../src/checkers/check-history.ts';
import { findUnsold } from '../src/checkers/check-recovery.ts';
import type { BookingRow, Evidence, Transition } from '../src/checkers/evidence.ts';
import { watchDeaths } from '../src/checkers/watch-deaths.ts';
import type { Operation, OperationResult } from '../src/history.ts';

const statusAfter = { hold: 'PENDING', confirm: 'CONFIRMED', release: 'CANCELLED' } as const;

/** A request for seat a1 that the engine did at its instant, in ms, and answered 20 ms later. */
function operation(
  id: string,
  kind: Operation['kind'],
  userId: string,
  bookingId: string,
  invokedAt: number,
  more: Partial<Operation> = {},
): Operation {
  const answer = { id: bookingId, userId, status: statusAfter[kind], seats: [{ id: 'a1' }] };
  return {
    id,
    kind,
    userId,
    member: 'test 1',
    seatIds: kind === 'hold' ? ['a1'] : [],
    bookingId: kind === 'hold' ? undefined : bookingId,
    key: undefined,
    invokedAt,
    completedAt: invokedAt + 20,
    result: { kind: 'done', status: 200, text: JSON.stringify(answer), isReplay: false },
    ...more,
  };
}

function transition(bookingId: string, to: Transition['to'], at: number, version: number, requestId: string) {
  const seat = { seatIds: ['a1'], versions: [version] };
  return { bookingId, to, cause: 'test', requestId, at, ...seat, userId: null, expiresAt: null };
}

const booking = (id: string, userId: string, status: BookingRow['status'], expiresAt: number) =>
  [id, { id, userId, status, expiresAt }] as const;

const operations = [
  operation('o1', 'hold', 'ani', 'b1', 0),
  operation('o2', 'release', 'ani', 'b1', 100),
  operation('o3', 'hold', 'budi', 'b2', 200),
  operation('o4', 'confirm', 'budi', 'b2', 300),
] as const;
const [held, released, heldAgain, paid] = operations;
const bookings = [booking('b1', 'ani', 'CANCELLED', 2_010), booking('b2', 'budi', 'CONFIRMED', 2_210)];
const transitions: readonly Transition[] = [
  transition('b1', 'PENDING', 10, 1, 'o1'),
  transition('b1', 'CANCELLED', 110, 2, 'o2'),
  { ...transition('b2', 'PENDING', 210, 3, 'o3'), userId: 'budi' },
  transition('b2', 'CONFIRMED', 310, 4, 'o4'),
];

/** One seat that was held, released, held again and paid. */
const sound: Evidence = {
  operations,
  bookings: new Map(bookings),
  seats: new Map([['a1', { id: 'a1', status: 'SOLD', version: 4 }]]),
  transitions,
  healedAt: Number.NEGATIVE_INFINITY,
  readAt: 30_000,
  holdMs: 2_000,
  maxHeldSeats: 1,
  ticketsCounted: 1,
};

const refused = (code: string, isReplay = false): OperationResult => ({ kind: 'refused', code, isReplay });
const unknown = (code: string): OperationResult => ({ kind: 'unknown', why: code, code });
const also = (...more: Operation[]) => ({ operations: [...operations, ...more] });
const alsoStep = (step: Transition) => ({ transitions: [...transitions, step] });
const alsoBooking = (...row: Parameters<typeof booking>) => ({
  bookings: new Map([...bookings, booking(...row)]),
});
const late = (id: string, more: Partial<Operation>) => operation(id, 'hold', 'ani', 'b1', 500, more);

describe('the checks of a history', () => {
  it('find nothing in a sound history, also when an answer was lost', () => {
    const lost = { ...held, completedAt: Number.POSITIVE_INFINITY, result: unknown('TIMEOUT') };
    expect(checkHistory(sound)).toEqual([]);
    expect(checkHistory({ ...sound, operations: [lost, released, heldAgain, paid] })).toEqual([]);
  });

  it.each<[string, string, Partial<Evidence>]>([
    ['seat-history', 'a missing version', { transitions: transitions.toSpliced(1, 1) }],
    [
      'seat-history',
      'a table that contradicts the history',
      { seats: new Map([['a1', { id: 'a1', status: 'AVAILABLE', version: 4 }]]) },
    ],
    [
      'seat-history',
      'a hold of a seat that is held',
      { transitions: transitions.with(1, transition('b9', 'PENDING', 110, 2, 'o2')) },
    ],
    [
      'seat-history',
      'an order that the answers rule out',
      { operations: [held, released, { ...heldAgain, completedAt: -20 }, paid] },
    ],
    [
      'acknowledged-is-present',
      'an acknowledged hold without a row',
      { bookings: new Map(bookings.slice(1)) },
    ],
    ['acknowledged-is-present', 'a paid booking that ended', alsoBooking('b2', 'budi', 'EXPIRED', 2_210)],
    [
      'all-seats-or-none',
      'a hold of fewer seats than requested',
      { operations: [{ ...held, seatIds: ['a1', 'a2'] }] },
    ],
    [
      'refused-had-no-effect',
      'a refused request with an effect',
      { operations: [{ ...released, result: refused('OVERLOADED') }] },
    ],
    [
      'one-effect-per-request',
      'a request with two effects',
      alsoStep(transition('b3', 'PENDING', 220, 5, 'o3')),
    ],
    [
      'no-hold-ends-early',
      'a hold that expired before its deadline',
      alsoStep(transition('b2', 'EXPIRED', 2_000, 5, 'o5')),
    ],
    [
      'no-hold-ends-early',
      'a next hold before the deadline',
      { transitions: transitions.with(1, transition('b1', 'EXPIRED', 2_010, 2, 'job')) },
    ],
    [
      'nothing-sold-late',
      'a sale after the deadline',
      { transitions: transitions.with(3, transition('b2', 'CONFIRMED', 2_300, 4, 'o4')) },
    ],
    ['holds-end-on-time', 'a hold that never ended', alsoBooking('b3', 'citra', 'PENDING', 3_000)],
    [
      'one-effect-per-key',
      'a key with two effects',
      { operations: operations.map((one) => ({ ...one, userId: 'ani', key: 'k' })) },
    ],
    [
      'one-answer-per-key',
      'a key with two answers',
      also({ ...held, key: 'k' }, late('o5', { key: 'k', result: heldAgain.result })),
    ],
    [
      'retry-finds-its-effect',
      'a retry that was refused',
      also({ ...held, key: 'k' }, late('o5', { key: 'k', result: refused('SEAT_TAKEN') })),
    ],
    [
      'no-refusal-is-kept',
      'a refusal that was stored under its key',
      also(late('o5', { key: 'k', result: refused('SEAT_LOCKED', true) })),
    ],
    [
      'cap-holds',
      'more seats of one user than the cap',
      alsoStep({ ...transition('b3', 'PENDING', 250, 5, 'o5'), userId: 'budi', expiresAt: 2_250 }),
    ],
    ['no-internal-error', 'an answer INTERNAL', also(late('o5', { result: unknown('INTERNAL') }))],
    ['tickets-counted-once', 'a ticket that was counted twice', { ticketsCounted: 2 }],
  ])('%s finds %s', (check, _what, broken) => {
    expect(checkHistory({ ...sound, ...broken }).map((finding) => finding.check)).toContain(check);
  });
});

it('free-seats-sell finds a free seat that a request could not get', () => {
  expect(findUnsold([held])).toEqual([]);
  const detail = 'hold of seat a1, which was free: SEAT_TAKEN';
  expect(findUnsold([held, { ...held, result: refused('SEAT_TAKEN') }])).toEqual([
    { check: 'free-seats-sell', detail },
  ]);
});

it('no-process-dies finds a process that ended during the run without a fault that killed it', () => {
  const members = [{ deaths: ['booking-api 1: SIGSEGV'] }, { deaths: [] as string[] }];
  const deaths = watchDeaths(members);
  expect(deaths()).toEqual([]);
  members[1]!.deaths.push('payment-api 1: 1');
  expect(deaths()).toEqual([{ check: 'no-process-dies', detail: 'payment-api 1: 1' }]);
});
