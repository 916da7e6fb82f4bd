import { bookingRequest, type LoadJob, type LoadRequest, type OnSaleScript } from './load-job.ts';

/** One of the concurrent callers, on a connection of its own. */
export interface Caller {
  readonly next: () => LoadRequest;
  /** Called with the answer to its last request. */
  readonly answered?: (status: number, body: string, headers: Readonly<Record<string, unknown>>) => void;
}

export interface CallerOptions {
  /** Called when no new request is left; requests after that do not count. */
  readonly onExhausted: () => void;
  /** Called with the id of each booking that an on-sale visitor makes. */
  readonly onBooked: (bookingId: string) => void;
}

/** @returns a function that makes the caller of a connection, by its number from 0 */
export function createCallers(
  { script, callers }: Pick<LoadJob, 'script' | 'callers'>,
  { onExhausted, onBooked }: CallerOptions,
): (index: number) => Caller {
  switch (script.kind) {
    case 'each-once':
    case 'over-and-over': {
      let sent = 0;
      const next = () => {
        const index = sent++;
        if (index >= script.requests.length && script.kind === 'each-once') onExhausted();
        return script.requests[index % script.requests.length]!;
      };
      return () => ({ next });
    }
    case 'book-and-release':
      return (index) => {
        const ownSeats = script.seatIds.filter((_, seat) => seat % callers === index);
        return bookAndRelease(ownSeats, index);
      };
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
        ? bookingRequest(seatIds[bookings++ % seatIds.length]!, index)
        : { method: 'DELETE', path: `/api/v1/booking/${bookingId}` },
    answered: (status, body) => {
      bookingId = status === 201 ? bookingIdOf(body) : undefined;
    },
  };
}

/** Of 99 requests to booking-api, 9 book. */
const bookingShare = 9 / 99;

function createVisitors(
  { mapPath, seatIds }: OnSaleScript,
  onBooked: (bookingId: string) => void,
): () => Caller {
  let buyers = 0;
  return () => {
    let etag: string | undefined;
    let isBooking = false;
    const readMap = (): LoadRequest => ({
      method: 'GET',
      path: mapPath,
      headers: { 'accept-encoding': 'gzip', ...(etag === undefined ? {} : { 'if-none-match': etag }) },
    });
    return {
      next: () => {
        isBooking = Math.random() < bookingShare;
        return isBooking ? bookingRequest(seatIds[zipfRank(seatIds.length)]!, buyers++) : readMap();
      },
      answered: (status, body, headers) => {
        if (!isBooking && status === 200) etag = String(headers['etag']);
        if (isBooking && status === 201) onBooked(bookingIdOf(body));
      },
    };
  };
}

/** A rank from 0: the n-th 1/n as often as the first (Zipf's law), by the inverse of its continuous approximation. */
export function zipfRank(count: number): number {
  return Math.floor(Math.exp(Math.random() * Math.log(count + 1))) - 1;
}

function bookingIdOf(body: string): string {
  return (JSON.parse(body) as { readonly id: string }).id;
}
