import type { Finding } from '../history.ts';
import type { Evidence, Transition } from './evidence.ts';

/**
 * The main check. The transitions of each seat, sorted by version, are a legal story without a gap that ends at the state
 * of the table. By the clock of the clients no step comes before an earlier version that was requested after its
 * answer, and no seat is held again before the deadline of a hold that expired.
 */
export function checkSeatHistory(evidence: Evidence): Finding[] {
  const operations = new Map(evidence.operations.map((operation) => [operation.id, operation]));
  const findings: Finding[] = [];
  for (const [seatId, steps] of stepsBySeat(evidence)) {
    const report = (detail: string, check = 'seat-history') =>
      findings.push({ check, detail: `seat ${seatId}: ${detail}` });
    let status = 'AVAILABLE';
    let holder: string | undefined;
    let heldUntil = Number.NEGATIVE_INFINITY;
    let latestInvocation = { at: Number.NEGATIVE_INFINITY, version: 0 };
    for (const [index, { version, transition }] of steps.entries()) {
      const { to, bookingId, requestId } = transition;
      if (version !== index + 1) report(`version ${version} instead of ${index + 1} (${to} of ${bookingId})`);
      const isLegal =
        to === 'PENDING' ? status === 'AVAILABLE' : status === 'RESERVED' && holder === bookingId;
      if (!isLegal) report(`${to} of ${bookingId} at version ${version}, while ${status} of ${holder}`);
      status = to === 'PENDING' ? 'RESERVED' : to === 'CONFIRMED' ? 'SOLD' : 'AVAILABLE';
      holder = status === 'AVAILABLE' ? undefined : bookingId;
      const operation = requestId === null ? undefined : operations.get(requestId);
      if (to === 'PENDING' && operation !== undefined) {
        const earlyMs = heldUntil - operation.completedAt;
        if (earlyMs > 0) report(`${bookingId} got it ${earlyMs} ms before it was free`, 'no-hold-ends-early');
        heldUntil = operation.invokedAt + evidence.holdMs;
      } else if (to !== 'EXPIRED') heldUntil = Number.NEGATIVE_INFINITY;
      if (operation === undefined) continue;
      if (operation.completedAt < latestInvocation.at) {
        report(`version ${version} was answered before version ${latestInvocation.version} was requested`);
      }
      if (operation.invokedAt > latestInvocation.at) latestInvocation = { at: operation.invokedAt, version };
    }
    const seat = evidence.seats.get(seatId)!;
    if (status !== seat.status || steps.length !== seat.version) {
      report(`its story ends ${status} at ${steps.length}, the table has ${seat.status} at ${seat.version}`);
    }
  }
  return findings;
}

function stepsBySeat({ seats, transitions }: Evidence) {
  const stories = new Map<string, { version: number; transition: Transition }[]>();
  for (const id of seats.keys()) stories.set(id, []);
  for (const transition of transitions) {
    for (const [index, seatId] of transition.seatIds.entries()) {
      stories.get(seatId)?.push({ version: transition.versions[index]!, transition });
    }
  }
  for (const steps of stories.values()) steps.sort((a, b) => a.version - b.version);
  return stories;
}
