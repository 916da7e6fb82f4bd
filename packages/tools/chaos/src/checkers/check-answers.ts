import { bookingOf, type Finding, type Operation } from '../history.ts';
import type { Evidence, Transition } from './evidence.ts';

/** What was answered is so: an acknowledged effect is in the tables, and a refused request had none. */
export function checkAnswers(evidence: Evidence): Finding[] {
  const byRequest = new Map<string, Transition[]>();
  for (const transition of evidence.transitions) {
    if (transition.requestId === null) continue;
    byRequest.set(transition.requestId, [...(byRequest.get(transition.requestId) ?? []), transition]);
  }
  return evidence.operations.flatMap((operation) => [
    ...checkAcknowledged(evidence, operation),
    ...checkEffects(operation, byRequest.get(operation.id) ?? []),
  ]);
}

const statusAfter = { hold: 'PENDING', confirm: 'CONFIRMED', release: 'CANCELLED' } as const;

function checkAcknowledged({ bookings, seats }: Evidence, operation: Operation): Finding[] {
  const answer = bookingOf(operation);
  if (answer === undefined) return [];
  const found = (check: string, detail: string): Finding[] => [
    { check, detail: `${operation.kind} ${operation.id} of booking ${answer.id}: ${detail}` },
  ];
  const row = bookings.get(answer.id);
  if (row === undefined) return found('acknowledged-is-present', 'there is no such booking');
  if (answer.status !== statusAfter[operation.kind]) {
    return found('acknowledged-is-present', `answered with ${answer.status}`);
  }
  if (operation.kind !== 'hold' && row.status !== answer.status) {
    return found('acknowledged-is-present', `acknowledged ${answer.status}, the table has ${row.status}`);
  }
  if (operation.kind === 'confirm') {
    const unsold = answer.seats.filter((seat) => seats.get(seat.id)?.status !== 'SOLD');
    if (unsold.length > 0) return found('acknowledged-is-present', `paid, and ${unsold[0]!.id} is not SOLD`);
  }
  if (operation.kind === 'hold') {
    const got = answer.seats.map((seat) => seat.id).toSorted();
    if (row.userId !== operation.userId) return found('acknowledged-is-present', `belongs to ${row.userId}`);
    if (got.join() !== operation.seatIds.join()) {
      return found('all-seats-or-none', `${operation.seatIds.length} wanted, ${got.length} got`);
    }
  }
  return [];
}

function checkEffects(operation: Operation, effects: readonly Transition[]): Finding[] {
  const found = (check: string, detail: string): Finding[] => [
    { check, detail: `${operation.kind} ${operation.id}: ${detail}` },
  ];
  const [effect, ...more] = effects;
  if (effect === undefined) return [];
  if (more.length > 0) return found('one-effect-per-request', `had ${effects.length} effects`);
  if (operation.result.kind === 'refused') {
    return found('refused-had-no-effect', `${operation.result.code}, and yet ${effect.to}`);
  }
  if (effect.to !== statusAfter[operation.kind]) return found('refused-had-no-effect', `led to ${effect.to}`);
  if (operation.kind !== 'hold') return [];
  const got = [...effect.seatIds].toSorted();
  return got.join() === operation.seatIds.join()
    ? []
    : found('all-seats-or-none', `${operation.seatIds.length} wanted, ${got.length} recorded`);
}
