import { describe, expect, it } from 'vitest';
import { checkHistory } from '../src/checkers/check-history.ts';
import { findUnsold } from '../src/checkers/check-redis.ts';
import type { Evidence } from '../src/checkers/evidence.ts';
import { watchDeaths } from '../src/checkers/watch-deaths.ts';
import { operation, refused, soundEvidence, transition } from './fixtures.ts';

/** What the checks say of the sound evidence after something was done to it. */
function checksThatFind(spoil: (evidence: Evidence) => Partial<Evidence>): string[] {
  const sound = soundEvidence();
  const found = checkHistory({ ...sound, ...spoil(sound) });
  return [...new Set(found.map(({ check }) => check))];
}

const withOperations =
  (...more: ReturnType<typeof operation>[]) =>
  (sound: Evidence): Partial<Evidence> => ({ operations: [...sound.operations, ...more] });

const withTransitions =
  (...more: ReturnType<typeof transition>[]) =>
  (sound: Evidence): Partial<Evidence> => ({ transitions: [...sound.transitions, ...more] });

describe('a sound history', () => {
  it('is found to be sound', () => {
    expect(checkHistory(soundEvidence())).toEqual([]);
  });

  it('stays sound when an answer was lost and its effect is there', () => {
    const unknown = { kind: 'unknown', why: 'time-out' } as const;
    const lost = operation('o1', 'hold', 'ani', 0, Number.POSITIVE_INFINITY, {
      bookingId: 'b1',
      result: unknown,
    });
    expect(checksThatFind((sound) => ({ operations: [lost, ...sound.operations.slice(1)] }))).toEqual([]);
  });
});

describe('what is wrong with a history', () => {
  it.each<[string, string, (sound: Evidence) => Partial<Evidence>]>([
    [
      'seat-history',
      'a version that is missing',
      (sound) => ({ transitions: sound.transitions.filter(({ versions }) => versions[0] !== 2) }),
    ],
    [
      'seat-history',
      'a seat given away while it is held',
      (sound) => ({
        transitions: sound.transitions.map((one) =>
          one.versions[0] === 2 ? { ...one, to: 'PENDING', bookingId: 'b9' } : one,
        ),
      }),
    ],
    [
      'seat-history',
      'a table that stands elsewhere than the story ends',
      () => ({ seats: new Map([['a1', { id: 'a1', status: 'AVAILABLE', version: 4 }]]) }),
    ],
    [
      'seat-history',
      'an order that nobody can have seen',
      (sound) => ({
        operations: sound.operations.map((one) =>
          one.id === 'o3' ? { ...one, invokedAt: -50, completedAt: -20 } : one,
        ),
      }),
    ],
    [
      'acknowledged-is-present',
      'an acknowledged hold that is gone',
      (sound) => ({ bookings: new Map([...sound.bookings].filter(([id]) => id !== 'b1')) }),
    ],
    [
      'acknowledged-is-present',
      'a paid booking that was ended',
      (sound) => ({
        bookings: new Map([
          ...sound.bookings,
          ['b2', { id: 'b2', userId: 'budi', status: 'EXPIRED', expiresAt: 2_210 }],
        ]),
      }),
    ],
    [
      'all-seats-or-none',
      'a hold of fewer seats than were wanted',
      (sound) => ({
        operations: sound.operations.map((one) =>
          one.id === 'o1' ? { ...one, seatIds: ['a1', 'a2'] } : one,
        ),
      }),
    ],
    [
      'refused-had-no-effect',
      'a request that was refused and had its effect',
      (sound) => ({
        operations: sound.operations.map((one) =>
          one.id === 'o2' ? { ...one, result: refused('DEPENDENCY_UNAVAILABLE') } : one,
        ),
      }),
    ],
    [
      'one-effect-per-request',
      'a request with two effects',
      withTransitions(transition('b3', 'PENDING', 220, 5, 'o3')),
    ],
    [
      'seat-sold-once',
      'a seat that was given to somebody who cannot have it',
      withOperations(operation('o5', 'hold', 'citra', 400, 420, { bookingId: 'b3' })),
    ],
    [
      'no-hold-ends-early',
      'a hold that expired before its deadline',
      withTransitions(transition('b2', 'EXPIRED', 2_000, 5, null)),
    ],
    [
      'nothing-sold-late',
      'a sale after the deadline',
      (sound) => ({
        transitions: sound.transitions.map((one) => (one.to === 'CONFIRMED' ? { ...one, at: 2_300 } : one)),
      }),
    ],
    [
      'holds-end-on-time',
      'a hold that nobody ended',
      (sound) => ({
        bookings: new Map([
          ...sound.bookings,
          ['b3', { id: 'b3', userId: 'citra', status: 'PENDING', expiresAt: 3_000 }],
        ]),
      }),
    ],
    [
      'one-effect-per-key',
      'a key with two effects',
      (sound) => ({ operations: sound.operations.map((one) => ({ ...one, userId: 'ani', key: 'k' })) }),
    ],
    [
      'one-answer-per-key',
      'a key with two answers',
      (sound) => ({
        operations: [
          ...sound.operations,
          operation('o6', 'hold', 'ani', 500, 510, { bookingId: 'b2', key: 'k' }),
          operation('o7', 'hold', 'ani', 600, 610, { bookingId: 'b1', key: 'k' }),
        ],
      }),
    ],
    [
      'retry-finds-its-effect',
      'a retry that was turned away',
      (sound) => ({
        operations: [
          ...sound.operations.map((one) => (one.id === 'o1' ? { ...one, key: 'k' } : one)),
          operation('o5', 'hold', 'ani', 500, 510, {
            bookingId: '',
            key: 'k',
            result: refused('SEAT_TAKEN'),
          }),
        ],
      }),
    ],
    [
      'no-refusal-is-kept',
      'a refusal that was kept under its key',
      withOperations(
        operation('o5', 'hold', 'ani', 500, 510, {
          bookingId: '',
          key: 'k',
          result: refused('SEAT_LOCKED', true),
        }),
      ),
    ],
    [
      'cap-holds',
      'more seats of one user than the cap',
      withTransitions({ ...transition('b3', 'PENDING', 250, 5, null, 'budi', 2_250), seatIds: ['a2'] }),
    ],
    [
      'nothing-unforeseen',
      'an answer that nobody had thought of',
      withOperations(
        operation('o5', 'hold', 'citra', 400, 420, {
          bookingId: '',
          result: { kind: 'unknown', why: '500 INTERNAL', code: 'INTERNAL' },
        }),
      ),
    ],
    ['tickets-counted-once', 'a ticket that was counted twice', () => ({ ticketsCounted: 2 })],
  ])('is found by %s: %s', (check, _what, spoil) => {
    expect(checksThatFind(spoil)).toContain(check);
  });
});

describe('a free seat that is asked for when all is well again', () => {
  const asked = (result?: ReturnType<typeof refused>) =>
    operation('o9', 'hold', 'late-0', 900, 910, { bookingId: 'b9', ...(result && { result }) });

  it('is found by free-seats-sell when it cannot be had, and only then', () => {
    expect(findUnsold([asked()])).toEqual([]);
    expect(findUnsold([asked(), asked(refused('SEAT_TAKEN'))])).toEqual([
      { check: 'free-seats-sell', detail: 'seat a1 is free, but SEAT_TAKEN' },
    ]);
    const lost = { ...asked(), result: { kind: 'unknown', why: 'TimeoutError' } as const };
    expect(findUnsold([lost])).toEqual([
      { check: 'free-seats-sell', detail: 'seat a1 is free, but TimeoutError' },
    ]);
  });
});

describe('a process that ends by itself', () => {
  it('is found by no-process-dies, once, in the run in which it did', () => {
    const members = [{ deaths: ['booking-api 1: SIGSEGV'] }, { deaths: [] as string[] }];
    const first = watchDeaths(members);
    expect(first()).toEqual([]);
    members[1]!.deaths.push('payment-api 1: 1');
    expect(first()).toEqual([{ check: 'no-process-dies', detail: 'payment-api 1: 1' }]);
    expect(watchDeaths(members)()).toEqual([]);
  });
});
