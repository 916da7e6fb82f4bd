import type { LoadTimes } from './load-meter.ts';

export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, as text */
  readonly body?: string;
}

/** The requests of the callers; each caller waits for its answer before its next request. */
export type LoadScript =
  /** Each request once, in this order, by the next free caller; the window ends with the last one. */
  | { readonly kind: 'each-once'; readonly requests: readonly LoadRequest[] }
  /** These requests over and over again. */
  | { readonly kind: 'over-and-over'; readonly requests: readonly LoadRequest[] }
  /** Each caller books one of its own seats, releases it, and so on. */
  | { readonly kind: 'book-and-release'; readonly seatIds: readonly string[] }
  | OnSaleScript;

/** The mix of a sale: of 100 requests 90 read the map, 9 book a seat, and 1 confirms a booking. */
export interface OnSaleScript {
  readonly kind: 'on-sale';
  readonly mapPath: string;
  /** In order of demand: the rank of a seat decides how often it is requested. */
  readonly seatIds: readonly string[];
  readonly paymentApiUrl: string;
}

export interface LoadJob extends LoadTimes {
  /** The callers are spread over several addresses. */
  readonly url: string | readonly string[];
  readonly callers: number;
  readonly script: LoadScript;
}

/** A booking of these seats by a buyer of its own. */
export function bookingRequest(seats: string | readonly string[], buyer: number): LoadRequest {
  const seatsMember = typeof seats === 'string' ? { seatId: seats } : { seatIds: seats };
  return {
    method: 'POST',
    path: '/api/v1/booking',
    body: JSON.stringify({ ...seatsMember, userId: `buyer-${buyer}` }),
  };
}
