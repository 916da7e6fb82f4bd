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
const retry = operation('o5', 'hold', 'ani', 'b1', 500);
const seat = { id: 'a1', status: 'SOLD', version: 4 } as const;
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
  seats: new Map([['a1', seat]]),
  transitions,
  healedAt: Number.NEGATIVE_INFINITY,
  readAt: 30_000,
  holdMs: 2_000,
  maxHeldSeats: 1,
};

const refused = (code: string, isReplay = false): OperationResult => ({ kind: 'refused', code, isReplay });
const unknown = (code: string): OperationResult => ({ kind: 'unknown', why: code, code });
const keyed = (one: Operation): Operation => ({ ...one, userId: 'ani', key: 'k' });
const retried = (result: OperationResult) => [...operations, keyed(held), keyed({ ...retry, result })];
const withSteps = (...steps: Transition[]) => ({ transitions: [...transitions, ...steps] });
const replacing = (index: number, step: Transition) => ({ transitions: transitions.with(index, step) });
const withBooking = (...row: Parameters<typeof booking>) => new Map([...bookings, booking(...row)]);
const overCap = { ...transition('b3', 'PENDING', 250, 5, 'o5'), userId: 'budi', expiresAt: 2_250 };

/** By the check that finds it, and what is wrong with the history. */
const broken: Readonly<Record<string, Partial<Evidence>>> = {
  'seat-history finds a missing version': { transitions: transitions.toSpliced(1, 1) },
  'seat-history finds a table that contradicts the history': {
    seats: new Map([['a1', { ...seat, version: 3 }]]),
  },
  'seat-history finds a hold of a held seat': replacing(1, transition('b9', 'PENDING', 110, 2, 'o2')),
  'seat-history finds an order that answers rule out': {
    operations: [released, { ...heldAgain, completedAt: 90 }],
  },
  'acknowledged-is-present finds an acknowledged hold without a row': {
    bookings: new Map(bookings.slice(1)),
  },
  'acknowledged-is-present finds a paid booking that ended': {
    bookings: withBooking('b2', 'budi', 'EXPIRED', 9),
  },
  'all-seats-or-none finds a hold of too few seats': { operations: [{ ...held, seatIds: ['a1', 'a2'] }] },
  'refused-had-no-effect finds a refused release': {
    operations: [{ ...released, result: refused('OVERLOADED') }],
  },
  'one-effect-per-request finds two effects': withSteps(transition('b3', 'PENDING', 220, 5, 'o3')),
  'no-hold-ends-early finds an early end': withSteps(transition('b2', 'EXPIRED', 2_000, 5, 'o5')),
  'no-hold-ends-early finds an early next hold': replacing(1, transition('b1', 'EXPIRED', 2_010, 2, 'job')),
  'nothing-sold-late finds a late sale': replacing(3, transition('b2', 'CONFIRMED', 2_300, 4, 'o4')),
  'holds-end-on-time finds a hold that never ended': {
    bookings: withBooking('b3', 'citra', 'PENDING', 3_000),
  },
  'one-effect-per-key finds two effects': { operations: operations.map(keyed) },
  'one-answer-per-key finds two answers': { operations: retried(heldAgain.result) },
  'retry-finds-its-effect finds a refused retry': { operations: retried(refused('SEAT_TAKEN')) },
  'no-refusal-is-kept finds a stored refusal': { operations: retried(refused('SEAT_LOCKED', true)) },
  'cap-holds finds more seats than the cap': withSteps(overCap),
  'no-internal-error finds an answer INTERNAL': { operations: [{ ...retry, result: unknown('INTERNAL') }] },
};

describe('the checks of a history', () => {
  it('find nothing in a sound history, also when an answer was lost', () => {
    const lost = { ...held, completedAt: Number.POSITIVE_INFINITY, result: unknown('TIMEOUT') };
    expect(checkHistory(sound)).toEqual([]);
    expect(checkHistory({ ...sound, operations: [lost, released, heldAgain, paid] })).toEqual([]);
  });

  it.each(Object.entries(broken))('%s', (title, evidence) => {
    const findings = checkHistory({ ...sound, ...evidence });
    expect(findings.map(({ check }) => `${check} `)).toContain(/^\S+ /.exec(title)![0]);
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
