import type { Finding } from '../history.ts';
import type { Evidence, Transition } from './evidence.ts';

interface SeatStep {
  readonly version: number;
  readonly transition: Transition;
}

/**
 * The main check: each seat's transitions, sorted by version, are a legal story without a gap that ends where
 * the table stands, and no step comes before one that was over when it was asked for.
 */
export function checkSeatHistory(evidence: Evidence): Finding[] {
  const stories = new Map<string, SeatStep[]>([...evidence.seats.keys()].map((id) => [id, []]));
  for (const transition of evidence.transitions) {
    for (const [index, seatId] of transition.seatIds.entries()) {
      stories.get(seatId)?.push({ version: transition.versions[index]!, transition });
    }
  }
  const operations = new Map(evidence.operations.map((operation) => [operation.id, operation]));
  const findings: Finding[] = [];
  for (const [seatId, steps] of stories) {
    steps.sort((a, b) => a.version - b.version);
    const seat = evidence.seats.get(seatId)!;
    const say = (detail: string) =>
      findings.push({ check: 'seat-history', detail: `seat ${seatId}: ${detail}` });
    let status = 'AVAILABLE';
    let holder: string | undefined;
    let latestInvocation = { at: Number.NEGATIVE_INFINITY, version: 0 };
    for (const [index, { version, transition }] of steps.entries()) {
      const { to, bookingId, requestId } = transition;
      if (version !== index + 1) say(`version ${version} where ${index + 1} is due (${to} of ${bookingId})`);
      const isLegal =
        to === 'PENDING' ? status === 'AVAILABLE' : status === 'RESERVED' && holder === bookingId;
      if (!isLegal) say(`${to} of ${bookingId} at version ${version}, while ${status} of ${holder}`);
      status = to === 'PENDING' ? 'RESERVED' : to === 'CONFIRMED' ? 'SOLD' : 'AVAILABLE';
      holder = status === 'AVAILABLE' ? undefined : bookingId;
      const operation = requestId === null ? undefined : operations.get(requestId);
      if (operation === undefined) continue;
      if (operation.completedAt < latestInvocation.at) {
        say(`version ${version} was answered before version ${latestInvocation.version} was asked for`);
      }
      if (operation.invokedAt > latestInvocation.at) latestInvocation = { at: operation.invokedAt, version };
    }
    if (status !== seat.status || steps.length !== seat.version) {
      say(`its story ends ${status} at ${steps.length}, the table has it ${seat.status} at ${seat.version}`);
    }
  }
  return findings;
}
