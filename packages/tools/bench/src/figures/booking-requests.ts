import type { LoadRequest } from '../load/load-job.ts';

/** A booking of one seat by a buyer of its own. */
export function bookingOf(seatId: string, number: number): LoadRequest {
  return {
    method: 'POST',
    path: '/api/v1/booking',
    body: JSON.stringify({ seatId, userId: `buyer-${number}` }),
  };
}

/** How many seats are there to be booked in the time, at a rate that is not reached; should it be, the window ends with them. */
export function seatsFor(
  effort: { readonly warmUpMs: number; readonly measureMs: number },
  ratePerSecond: number,
): number {
  return Math.ceil(((effort.warmUpMs + effort.measureMs) / 1_000) * ratePerSecond);
}
