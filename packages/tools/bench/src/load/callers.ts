import { bookingOf } from '../figures/booking-requests.ts';
import { idOf, type Caller } from './caller.ts';
import type { LoadJob } from './load-job.ts';
import { createVisitors } from './visitors.ts';

export interface CallerOptions {
  /** Called when there is nothing new to ask for; whatever is asked for then does not count. */
  readonly onExhausted: () => void;
  /** Called with the id of each booking that an on-sale visitor makes. */
  readonly onBooked: (bookingId: string) => void;
}

/** @returns makes the caller of a connection, by its number from 0 */
export function createCallers(
  { script, callers }: Pick<LoadJob, 'script' | 'callers'>,
  { onExhausted, onBooked }: CallerOptions,
): (index: number) => Caller {
  switch (script.kind) {
    case 'each-once':
    case 'over-and-over': {
      let asked = 0;
      const next = () => {
        const index = asked++;
        if (index >= script.requests.length && script.kind === 'each-once') onExhausted();
        return script.requests[index % script.requests.length]!;
      };
      return () => ({ next });
    }
    case 'book-and-release':
      return (index) =>
        bookAndRelease(
          script.seatIds.filter((_, seat) => seat % callers === index),
          index,
        );
    case 'on-sale':
      return createVisitors(script, onBooked);
  }
}

function bookAndRelease(seatIds: readonly string[], index: number): Caller {
  let bookings = 0;
  let bookingId: string | undefined;
  return {
    next: () =>
      bookingId === undefined
        ? bookingOf(seatIds[bookings++ % seatIds.length]!, index)
        : { method: 'DELETE', path: `/api/v1/booking/${bookingId}` },
    answered: (status, body) => {
      bookingId = status === 201 ? idOf(body) : undefined;
    },
  };
}
