import type { LoadRequest } from './load-job.ts';

/** One of those who ask at the same time, each on a connection of its own. */
export interface Caller {
  next(): LoadRequest;
  /** Told what came of its request, if it wants to know. */
  answered?(status: number, body: string, headers: Readonly<Record<string, unknown>>): void;
}

/** Of a booking that was just made, by the body of its answer. */
export function idOf(body: string): string {
  return (JSON.parse(body) as { readonly id: string }).id;
}
