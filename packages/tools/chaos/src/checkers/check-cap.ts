import type { Finding } from '../history.ts';
import type { Evidence } from './evidence.ts';

/** No user ever holds more seats than the cap: PENDING and not overdue, by the instants that the database recorded. */
export function checkCap({ transitions, bookings, maxHeldSeats }: Evidence): Finding[] {
  const endOf = new Map(
    transitions.filter(({ to }) => to !== 'PENDING').map(({ bookingId, at }) => [bookingId, at]),
  );
  const holdsOf = new Map<string, { from: number; to: number; seats: number }[]>();
  for (const { to, bookingId, at, userId, seatIds, expiresAt } of transitions) {
    if (to !== 'PENDING' || userId === null) continue;
    const deadline = expiresAt ?? bookings.get(bookingId)?.expiresAt ?? at;
    const end = Math.min(endOf.get(bookingId) ?? Number.POSITIVE_INFINITY, deadline);
    holdsOf.set(userId, [...(holdsOf.get(userId) ?? []), { from: at, to: end, seats: seatIds.length }]);
  }
  return [...holdsOf].flatMap(([userId, holds]) => {
    const heldAt = (instant: number) =>
      holds.reduce((sum, { from, to, seats }) => (from <= instant && instant < to ? sum + seats : sum), 0);
    const most = Math.max(...holds.map(({ from }) => heldAt(from)));
    if (most <= maxHeldSeats) return [];
    return [{ check: 'cap-holds', detail: `${userId} held ${most} seats of ${maxHeldSeats} at once` }];
  });
}
