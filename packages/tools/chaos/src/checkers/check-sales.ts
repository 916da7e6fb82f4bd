import { bookingOf, type Finding, type Operation } from '../history.ts';
import type { Evidence } from './evidence.ts';

/** A time during which a booking certainly had a seat, by the answers alone. */
interface Possession {
  readonly bookingId: string;
  readonly from: number;
  readonly to: number;
}

/**
 * From the answers alone, so that an engine whose own records are wrong cannot hide it: nobody is given a seat
 * during the whole time that another booking certainly had it.
 */
export function checkSales({ operations, holdMs }: Evidence): Finding[] {
  const settlements = new Map<string, Operation[]>();
  for (const operation of operations.filter(({ kind }) => kind !== 'hold')) {
    const id = operation.bookingId!;
    settlements.set(id, [...(settlements.get(id) ?? []), operation]);
  }
  const possessions = new Map<string, Possession[]>();
  const grants: (Possession & { readonly seatId: string })[] = [];
  for (const operation of operations) {
    const booking = operation.kind === 'hold' ? bookingOf(operation) : undefined;
    if (booking === undefined || (operation.result.kind === 'done' && operation.result.isReplay)) continue;
    const settled = settlements.get(booking.id) ?? [];
    const isPaid = settled.some(({ kind, result }) => kind === 'confirm' && result.kind === 'done');
    const released = settled.filter(({ kind }) => kind === 'release').map(({ invokedAt }) => invokedAt);
    const lapses = isPaid ? Number.POSITIVE_INFINITY : operation.invokedAt + holdMs;
    const had = { bookingId: booking.id, from: operation.completedAt, to: Math.min(lapses, ...released) };
    for (const { id } of booking.seats) {
      possessions.set(id, [...(possessions.get(id) ?? []), had]);
      grants.push({
        bookingId: booking.id,
        seatId: id,
        from: operation.invokedAt,
        to: operation.completedAt,
      });
    }
  }
  return grants.flatMap(({ seatId, bookingId, from, to }) =>
    (possessions.get(seatId) ?? [])
      .filter((had) => had.bookingId !== bookingId && had.from < from && to < had.to)
      .map((had) => ({
        check: 'seat-sold-once',
        detail: `seat ${seatId} was given to ${bookingId} while ${had.bookingId} had it`,
      })),
  );
}
