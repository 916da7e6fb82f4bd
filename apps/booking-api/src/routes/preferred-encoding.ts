import { negotiate } from '@fastify/accept-negotiator';
import type { MapEncoding } from '@ticketing/seat-core';

/** The best ratio of bytes to time first. */
const encodings: readonly MapEncoding[] = ['br', 'gzip', 'identity'];

/**
 * The encoding for an `Accept-Encoding` (RFC 9110, 12.5.3): the accepted encoding with the greatest weight, of equals the
 * smaller. `identity` is never refused: an uncompressed answer is better than none.
 */
export function preferredEncoding(header = ''): MapEncoding {
  const accepted = header.toLowerCase();
  // "*" stands for every encoding that the header does not name; the negotiator would take it for the first of all.
  const expanded = accepted.replace(/\*([^,]*)/, (_, weight: string) =>
    encodings
      .filter((name) => !accepted.includes(name))
      .map((name) => name + weight)
      .join(','),
  );
  return negotiate(expanded, [...encodings]) ?? 'identity';
}
