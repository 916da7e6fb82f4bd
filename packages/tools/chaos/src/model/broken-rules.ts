import type { BookingState, SeatState, World } from './world.ts';

const isLive = ({ status }: BookingState): boolean => status === 'PENDING' || status === 'CONFIRMED';

/** What must hold in every state of the world, as sentences about what does not. */
export function brokenRules(world: World): string[] {
  const broken: string[] = [];
  for (const [seatId, seat] of Object.entries(world.seats)) {
    const live = Object.entries(world.bookings).filter(
      ([, booking]) => isLive(booking) && booking.seatIds.includes(seatId),
    );
    const expected = { AVAILABLE: undefined, RESERVED: 'PENDING', SOLD: 'CONFIRMED' }[seat.status];
    if (live.length > 1) broken.push(`seat ${seatId} is in ${live.length} live bookings`);
    if (live[0]?.[1].status !== expected || (live[0]?.[0] ?? null) !== seat.holder) {
      broken.push(`seat ${seatId} is ${seat.status} of ${seat.holder}, live: ${JSON.stringify(live)}`);
    }
  }
  return broken;
}

/** What must hold between a state and the next one. */
export function brokenStepRules(before: World, after: World): string[] {
  const broken: string[] = [];
  for (const [id, booking] of Object.entries(before.bookings)) {
    const next = after.bookings[id];
    if (next === undefined) broken.push(`booking ${id} has vanished`);
    else if (booking.status !== 'PENDING' && next.status !== booking.status) {
      broken.push(`booking ${id} went from ${booking.status} to ${next.status}`);
    } else if (next.expiresAt !== booking.expiresAt || next.userId !== booking.userId) {
      broken.push(`booking ${id} has another deadline or owner`);
    }
    const hasEndedEarly = next?.status === 'EXPIRED' && booking.expiresAt > after.now;
    if (hasEndedEarly) broken.push(`booking ${id} expired before its deadline`);
  }
  for (const [id, seat] of Object.entries(before.seats)) {
    const next = after.seats[id];
    if (next === undefined) broken.push(`seat ${id} has vanished`);
    else if (seat.status === 'SOLD' && next.status !== 'SOLD') broken.push(`seat ${id} was sold and is not`);
    else if (next.version - seat.version !== stepsBetween(seat, next)) {
      broken.push(`seat ${id} went from version ${seat.version} to ${next.version}`);
    }
  }
  return broken;
}

/** A seat that changes hands in one step was reclaimed and held at once: two transitions. */
function stepsBetween(seat: SeatState, next: SeatState): number {
  if (seat.holder === next.holder) return seat.status === next.status ? 0 : 1;
  return seat.holder === null || next.holder === null ? 1 : 2;
}
