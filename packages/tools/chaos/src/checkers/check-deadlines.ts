import { deadlineFactor } from '@ticketing/testkit';
import type { Finding } from '../history.ts';
import type { Evidence } from './evidence.ts';

/** How late a hold may be ended, as the contract has it. */
const graceMs = 2_000;

/** A hold ends at its deadline: not before, and not more than the grace later once the engine is well. */
export function checkDeadlines(evidence: Evidence): Finding[] {
  const { transitions, bookings, healedAt, readAt } = evidence;
  const findings: Finding[] = [];
  const deadlineOf = (id: string) => bookings.get(id)?.expiresAt ?? Number.NaN;
  for (const { bookingId, to, at, cause } of transitions) {
    const late = at - Math.max(deadlineOf(bookingId), healedAt);
    const early = deadlineOf(bookingId) - at;
    if (to === 'EXPIRED' && early > 0) {
      findings.push({
        check: 'no-hold-ends-early',
        detail: `${bookingId} expired ${early} ms early by ${cause}`,
      });
    }
    if (to === 'CONFIRMED' && early <= 0) {
      findings.push({
        check: 'nothing-sold-late',
        detail: `${bookingId} was paid ${-early} ms after its deadline`,
      });
    }
    if (to === 'EXPIRED' && late > graceMs * deadlineFactor()) {
      findings.push({
        check: 'holds-end-on-time',
        detail: `${bookingId} expired ${late} ms late by ${cause}`,
      });
    }
  }
  for (const { id, status, expiresAt } of bookings.values()) {
    const late = readAt - Math.max(expiresAt, healedAt);
    if (status === 'PENDING' && late > graceMs * deadlineFactor()) {
      findings.push({ check: 'holds-end-on-time', detail: `${id} is PENDING ${late} ms after its deadline` });
    }
  }
  return findings;
}
