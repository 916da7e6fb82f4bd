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
  | { readonly kind: 'over-and-over'; readonly requests: readonly LoadRequest[] };

export interface LoadJob extends LoadTimes {
  readonly url: string;
  readonly callers: number;
  readonly script: LoadScript;
}
