import type { Finding } from '../history.ts';
import type { Evidence } from './evidence.ts';

/** A ticket is never counted twice. Counters of killed processes are lost, so they may say less than the table. */
export function checkCounters({ seats, bookings, transitions, ticketsCounted }: Evidence): Finding[] {
  const findings: Finding[] = [];
  const sold = [...seats.values()].filter(({ status }) => status === 'SOLD').length;
  const paid = new Set(
    [...bookings.values()].filter(({ status }) => status === 'CONFIRMED').map(({ id }) => id),
  );
  const recorded = transitions
    .filter(({ to, bookingId }) => to === 'PENDING' && paid.has(bookingId))
    .reduce((sum, { seatIds }) => sum + seatIds.length, 0);
  if (ticketsCounted > sold) {
    findings.push({
      check: 'tickets-counted-once',
      detail: `${ticketsCounted} counted, ${sold} seats are SOLD`,
    });
  }
  if (recorded !== sold) {
    findings.push({
      check: 'tickets-counted-once',
      detail: `paid bookings have ${recorded} seats, ${sold} are SOLD`,
    });
  }
  return findings;
}
