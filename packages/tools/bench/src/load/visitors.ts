import { bookingOf } from '../figures/booking-requests.ts';
import { idOf, type Caller } from './caller.ts';
import type { LoadRequest, OnSaleScript } from './load-job.ts';

/** Of 99 requests to booking-api. */
const bookingsOf99 = 9;

/** Those who look at the map and book what they like, as others do. */
export function createVisitors(
  { mapPath, seatIds }: OnSaleScript,
  onBooked: (bookingId: string) => void,
): (index: number) => Caller {
  let buyers = 0;
  return () => {
    let etag: string | undefined;
    let isBooking = false;
    const lookAtMap = (): LoadRequest => ({
      method: 'GET',
      path: mapPath,
      headers: { 'accept-encoding': 'gzip', ...(etag === undefined ? {} : { 'if-none-match': etag }) },
    });
    return {
      next: () => {
        isBooking = Math.random() * 99 < bookingsOf99;
        return isBooking ? bookingOf(seatIds[zipfRank(seatIds.length)]!, buyers++) : lookAtMap();
      },
      answered: (status, body, headers) => {
        if (!isBooking && status === 200) etag = String(headers['etag']);
        if (isBooking && status === 201) onBooked(idOf(body));
      },
    };
  };
}

/**
 * A rank from 0, the n-th wanted 1/n as often as the first: Zipf's law, by the inverse of its continuous
 * approximation.
 */
function zipfRank(count: number): number {
  return Math.floor(Math.exp(Math.random() * Math.log(count + 1))) - 1;
}
