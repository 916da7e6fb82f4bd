import { deadlineFactor } from '@ticketing/testkit';
import type { Finding } from '../history.ts';
import type { Evidence } from './evidence.ts';

/** How late a hold may end at most. */
export const graceMs = 2_000;

/** A hold ends at its deadline: not before, and not later than the grace allows once the engine is healthy. */
export function checkDeadlines({ transitions, bookings, healedAt, readAt }: Evidence): Finding[] {
  const findings: Finding[] = [];
  const report = (check: string, detail: string) => findings.push({ check, detail });
  const isTooLate = (at: number, deadline: number) =>
    at - Math.max(deadline, healedAt) > graceMs * deadlineFactor();
  for (const { bookingId, to, at, cause } of transitions) {
    const deadline = bookings.get(bookingId)?.expiresAt;
    if (deadline === undefined) continue;
    const lateMs = at - deadline;
    if (to === 'CONFIRMED' && lateMs >= 0) {
      report('nothing-sold-late', `${bookingId} was paid ${lateMs} ms after its deadline`);
    }
    if (to !== 'EXPIRED') continue;
    if (lateMs < 0) report('no-hold-ends-early', `${bookingId} expired ${-lateMs} ms early by ${cause}`);
    if (isTooLate(at, deadline)) {
      report('holds-end-on-time', `${bookingId} expired ${lateMs} ms late by ${cause}`);
    }
  }
  for (const { id, status, expiresAt } of bookings.values()) {
    if (status === 'PENDING' && isTooLate(readAt, expiresAt)) {
      report('holds-end-on-time', `${id} is PENDING ${readAt - expiresAt} ms after its deadline`);
    }
  }
  return findings;
}
