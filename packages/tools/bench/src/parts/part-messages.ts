import type { LoadResult } from '../load/load-meter.ts';

/** What a part, a process of the bench's own, tells the bench. */
export type PartMessage =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'measuring' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string };
