import type { Finding, Operation } from '../history.ts';
import type { Evidence, Transition } from './evidence.ts';

/** Longer than a statement and its answer take: a commit that is older can be seen. */
const visibleAfterMs = 2_500;

/** Refusals that a retry must not meet once its first attempt had its effect. */
const refusesRetry: ReadonlySet<string> = new Set([
  'SEAT_TAKEN',
  'SEAT_LOCKED',
  'HOLD_LIMIT_REACHED',
  'BOOKING_NOT_PENDING',
  'BOOKING_EXPIRED',
  'IDEMPOTENCY_KEY_REUSED',
]);

/** One key has one effect and one answer, and every retry finds them. */
export function checkKeys({ operations, transitions }: Evidence): Finding[] {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (operation.key === undefined) continue;
    const name = `${operation.userId} ${operation.kind} ${operation.key}`;
    groups.set(name, [...(groups.get(name) ?? []), operation]);
  }
  const effects = new Map(transitions.map((transition) => [transition.requestId, transition]));
  return [...groups].flatMap(([name, group]) =>
    checkGroup(group, effects).map(({ check, detail }) => ({ check, detail: `key of ${name}: ${detail}` })),
  );
}

function checkGroup(group: readonly Operation[], effects: ReadonlyMap<string | null, Transition>): Finding[] {
  const findings: Finding[] = [];
  const report = (check: string, detail: string) => findings.push({ check, detail });
  const had = group.flatMap(({ id }) => effects.get(id) ?? []);
  if (had.length > 1) report('one-effect-per-key', `${had.length} effects`);
  const answers = new Set(group.flatMap(({ result }) => (result.kind === 'done' ? [result.text] : [])));
  if (answers.size > 1) report('one-answer-per-key', [...answers].join(' and '));
  for (const { id, result, invokedAt, seatIds } of group) {
    if (result.kind !== 'refused') continue;
    if (result.isReplay) report('no-refusal-is-kept', `${id} was answered ${result.code} as a replay`);
    const isPresent = had.some(({ at, requestId }) => {
      const cause = group.find((other) => other.id === requestId);
      return (cause?.completedAt ?? at) < invokedAt || at + visibleAfterMs < invokedAt;
    });
    if (isPresent && refusesRetry.has(result.code)) {
      report('retry-finds-its-effect', `${id} was answered ${result.code} (${seatIds.join()})`);
    }
  }
  return findings;
}
