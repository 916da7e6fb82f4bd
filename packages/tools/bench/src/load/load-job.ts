import type { LoadTimes } from './load-meter.ts';

export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, as text */
  readonly body?: string;
}

/** What the callers of a load ask for; each waits for its answer before it asks again. */
export type LoadScript =
  /** Each request once, in this order, by whichever caller is free; the load ends with the last one. */
  | { readonly kind: 'each-once'; readonly requests: readonly LoadRequest[] }
  /** These over and over again. */
  | { readonly kind: 'over-and-over'; readonly requests: readonly LoadRequest[] }
  /** Each caller books one of its own seats, gives it back, and so on. */
  | { readonly kind: 'book-and-release'; readonly seatIds: readonly string[] }
  | OnSaleScript;

/** A sale as its visitors make it: of 100 requests 90 look at the map, 9 book, and 1 pays what was booked. */
export interface OnSaleScript {
  readonly kind: 'on-sale';
  readonly mapPath: string;
  /** The most wanted first: its rank decides how often a seat is wanted. */
  readonly seatIds: readonly string[];
  readonly paymentApiUrl: string;
}

export interface LoadJob extends LoadTimes {
  /** Of several the callers are spread over all. */
  readonly url: string | readonly string[];
  readonly callers: number;
  readonly script: LoadScript;
}
