import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyVerb, type Verb } from '../src/model/apply-verb.ts';
import { brokenRules, brokenStepRules } from '../src/model/broken-rules.ts';
import { openWorld, type World } from '../src/model/world.ts';

const users = ['ani', 'budi'];

function verbsOn(seatIds: readonly string[], bookingIds: readonly string[]): Verb[] {
  return [
    ...bookingIds.flatMap((bookingId) => [
      ...users.flatMap((userId): Verb[] => [
        { kind: 'hold', bookingId, userId, seatIds },
        { kind: 'confirm', bookingId, userId },
        { kind: 'release', bookingId, userId },
      ]),
      { kind: 'expire', bookingId } as const,
    ]),
    { kind: 'pass', time: 1 },
  ];
}

/** A booking id is made for one hold, once. */
const isUsed = (world: World, verb: Verb) => verb.kind === 'hold' && verb.bookingId in world.bookings;

/** Two worlds whose futures are the same are one: a deadline matters only as what is left of it. */
function keyOf({ now, seats, bookings }: World): string {
  const rest = Object.entries(bookings)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { expiresAt, ...booking }]) => [
      id,
      booking,
      booking.status === 'PENDING' ? Math.max(0, expiresAt - now) : 0,
    ]);
  return JSON.stringify([Object.values(seats).map(({ status, holder }) => [status, holder]), rest]);
}

describe('every reachable state of one seat, three bookings and two users', () => {
  it('keeps each seat with one live booking at most, and each step legal', () => {
    const verbs = verbsOn(['seat'], ['first', 'second', 'third']);
    const start = openWorld(['seat'], 2);
    const seen = new Set([keyOf(start)]);
    const queue = [start];
    const reached = new Set<string>();
    let steps = 0;
    for (let world = queue.shift(); world !== undefined; world = queue.shift()) {
      for (const verb of verbs.filter((candidate) => !isUsed(world, candidate))) {
        const { world: next, outcome } = applyVerb(world, verb);
        steps += 1;
        reached.add(`${verb.kind} ${outcome}`);
        const broken = [...brokenRules(next), ...brokenStepRules(world, next)];
        expect({ world, verb, broken }).toEqual({ world, verb, broken: [] });
        if (seen.has(keyOf(next))) continue;
        seen.add(keyOf(next));
        queue.push(next);
      }
    }
    console.log(`state machine: ${seen.size} states, ${steps} steps`);
    expect(seen.size).toBeGreaterThan(500);
    // Every outcome of every verb was met, so nothing of the walk was in vain.
    expect([...reached].toSorted()).toEqual([
      'confirm AGAIN',
      'confirm BOOKING_EXPIRED',
      'confirm BOOKING_NOT_FOUND',
      'confirm BOOKING_NOT_PENDING',
      'confirm DONE',
      'expire DONE',
      'expire NOTHING',
      'hold DONE',
      'hold SEAT_TAKEN',
      'pass DONE',
      'release AGAIN',
      'release BOOKING_NOT_FOUND',
      'release BOOKING_NOT_PENDING',
      'release DONE',
    ]);
  });
});

const seatIds = ['a1', 'a2', 'a3', 'a4'];

const someVerb: fc.Arbitrary<Verb> = fc.oneof(
  fc.record({
    kind: fc.constant('hold' as const),
    bookingId: fc.uuid({ version: 7 }),
    userId: fc.constantFrom(...users),
    seatIds: fc.subarray(seatIds, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('pass' as const), time: fc.integer({ min: 0, max: 3 }) }),
);

/** Holds and time at random; what else happens is about bookings that exist. */
const someStory = fc.array(fc.tuple(someVerb, fc.nat(), fc.constantFrom('confirm', 'release', 'expire')), {
  maxLength: 40,
});

function tell(
  story: readonly (readonly [Verb, number, string])[],
  onStep: (before: World, verb: Verb, after: World, outcome: string) => void,
): void {
  let world = openWorld(seatIds, 2);
  const step = (verb: Verb) => {
    const { world: next, outcome } = applyVerb(world, verb);
    onStep(world, verb, next, outcome);
    world = next;
  };
  for (const [verb, choice, kind] of story) {
    step(verb);
    const ids = Object.keys(world.bookings);
    const bookingId = ids[choice % Math.max(1, ids.length)];
    if (bookingId === undefined) continue;
    if (kind === 'expire') step({ kind, bookingId });
    else step({ kind: kind as 'confirm', bookingId, userId: users[choice % 2]! });
  }
}

/** Tells many stories and collects what is wrong with a step of any; fast-check shrinks the first that is wrong. */
function expectOfEveryStep(
  wrongWith: (before: World, verb: Verb, after: World, outcome: string) => unknown[],
): void {
  fc.assert(
    fc.property(someStory, (story) => {
      tell(story, (before, verb, after, outcome) => {
        expect(wrongWith(before, verb, after, outcome)).toEqual([]);
      });
    }),
    { numRuns: 500 },
  );
}

describe('any story over several seats', () => {
  it('breaks no rule of a state or of a step', () => {
    expectOfEveryStep((before, _verb, after) => [...brokenRules(after), ...brokenStepRules(before, after)]);
  });

  it('leaves the world as it was whenever a verb is refused', () => {
    expectOfEveryStep((before, verb, after, outcome) =>
      outcome === 'DONE' || after === before ? [] : [{ verb, outcome, before, after }],
    );
  });

  it('is the same when every confirmation and release is asked twice', () => {
    expectOfEveryStep((_before, verb, after, outcome) => {
      if ((verb.kind !== 'confirm' && verb.kind !== 'release') || outcome !== 'DONE') return [];
      const again = applyVerb(after, verb);
      return again.world === after && again.outcome === 'AGAIN' ? [] : [{ verb, again }];
    });
  });
});
