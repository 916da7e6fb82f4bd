import type { Finding, Operation } from '../history.ts';
import type { Evidence, Transition } from './evidence.ts';

/** Longer than a statement takes, and an answer after it: by then a commit of that time is there to be seen. */
const settledMs = 2_500;

/** One key has one effect and one answer, and whoever asks again finds it. */
export function checkKeys({ operations, transitions }: Evidence): Finding[] {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (operation.key === undefined) continue;
    const name = `${operation.userId} ${operation.kind} ${operation.key}`;
    groups.set(name, [...(groups.get(name) ?? []), operation]);
  }
  const effects = new Map(transitions.map((transition) => [transition.requestId ?? '', transition]));
  return [...groups].flatMap(([name, group]) =>
    checkGroup(group, effects).map(({ check, detail }) => ({ check, detail: `key of ${name}: ${detail}` })),
  );
}

function checkGroup(group: readonly Operation[], effects: ReadonlyMap<string, Transition>): Finding[] {
  const findings: Finding[] = [];
  const had = group.flatMap(({ id }) => effects.get(id) ?? []);
  if (had.length > 1) {
    findings.push({ check: 'one-effect-per-key', detail: `${had.length} effects` });
  }
  const bodies = new Set(group.flatMap(({ result }) => (result.kind === 'done' ? [result.text] : [])));
  if (bodies.size > 1) {
    findings.push({ check: 'one-answer-per-key', detail: [...bodies].join(' and ') });
  }
  for (const { id, result, invokedAt, seatIds } of group) {
    if (result.kind !== 'refused') continue;
    if (result.isReplay) {
      findings.push({ check: 'no-refusal-is-kept', detail: `${id} was answered ${result.code} as a replay` });
    }
    const isThere = had.some(({ at, requestId }) => {
      const cause = group.find((other) => other.id === requestId);
      return (cause?.completedAt ?? at) < invokedAt || at + settledMs < invokedAt;
    });
    if (isThere && turnedAway.has(result.code)) {
      findings.push({
        check: 'retry-finds-its-effect',
        detail: `${id} was told ${result.code} (${seatIds.join()})`,
      });
    }
  }
  return findings;
}

/** Refusals that a retry must never meet once its first attempt had its effect. */
const turnedAway: ReadonlySet<string> = new Set([
  'SEAT_TAKEN',
  'SEAT_LOCKED',
  'HOLD_LIMIT_REACHED',
  'BOOKING_NOT_PENDING',
  'BOOKING_EXPIRED',
  'IDEMPOTENCY_KEY_REUSED',
]);
