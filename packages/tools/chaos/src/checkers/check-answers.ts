import { bookingOf, type Finding, type Operation } from '../history.ts';
import type { Evidence, Transition } from './evidence.ts';

const statusAfter = { hold: 'PENDING', confirm: 'CONFIRMED', release: 'CANCELLED' } as const;

/** What was answered is true: an acknowledged effect is in the tables, and a refused request had none. */
export function checkAnswers(evidence: Evidence): Finding[] {
  const effectsOf = new Map<string | null, Transition[]>();
  for (const transition of evidence.transitions) {
    const { requestId } = transition;
    effectsOf.set(requestId, [...(effectsOf.get(requestId) ?? []), transition]);
  }
  return evidence.operations.flatMap((operation) => {
    const [check, detail] =
      checkAcknowledged(evidence, operation) ??
      checkEffects(operation, effectsOf.get(operation.id) ?? []) ??
      [];
    return check === undefined ? [] : [{ check, detail: `${operation.kind} ${operation.id}: ${detail}` }];
  });
}

type Broken = readonly [check: string, detail: string] | undefined;

function checkAcknowledged({ bookings, seats }: Evidence, operation: Operation): Broken {
  const answer = bookingOf(operation);
  if (answer === undefined) return undefined;
  const row = bookings.get(answer.id);
  const got = answer.seats.map((seat) => seat.id).toSorted();
  const absent = (detail: string): Broken => ['acknowledged-is-present', `booking ${answer.id} ${detail}`];
  if (row === undefined) return absent('does not exist');
  if (answer.status !== statusAfter[operation.kind]) return absent(`was answered as ${answer.status}`);
  if (operation.kind === 'hold') {
    if (row.userId !== operation.userId) return absent(`belongs to ${row.userId}`);
    return got.join() === operation.seatIds.join()
      ? undefined
      : ['all-seats-or-none', `${operation.seatIds.length} seats requested, ${got.length} answered`];
  }
  if (row.status !== answer.status) return absent(`is ${row.status}, acknowledged was ${answer.status}`);
  const unsold = got.find((id) => operation.kind === 'confirm' && seats.get(id)?.status !== 'SOLD');
  return unsold === undefined ? undefined : absent(`is paid, and its seat ${unsold} is not SOLD`);
}

function checkEffects({ kind, seatIds, result }: Operation, effects: readonly Transition[]): Broken {
  const [effect] = effects;
  if (result.kind === 'unknown' && result.code === 'INTERNAL') return ['no-internal-error', result.why];
  if (effect === undefined) return undefined;
  if (effects.length > 1) return ['one-effect-per-request', `had ${effects.length} effects`];
  if (result.kind === 'refused') return ['refused-had-no-effect', `${result.code}, and yet ${effect.to}`];
  if (effect.to !== statusAfter[kind]) return ['refused-had-no-effect', `led to ${effect.to}`];
  return kind !== 'hold' || effect.seatIds.toSorted().join() === seatIds.join()
    ? undefined
    : ['all-seats-or-none', `${seatIds.length} seats requested, ${effect.seatIds.length} recorded`];
}
