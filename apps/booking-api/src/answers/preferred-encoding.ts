import { negotiate } from '@fastify/accept-negotiator';

/** How a body can be sent: as it is, or compressed in a way that most clients read. */
export type Encoding = 'identity' | 'gzip' | 'br';

/** The best ratio of bytes to time first. */
const encodings: readonly Encoding[] = ['br', 'gzip', 'identity'];

/**
 * The encoding for an `Accept-Encoding`: the accepted one with the greatest weight, of equal ones the smallest. A
 * client that refuses even `identity` gets it all the same: an uncompressed answer is better than none.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function preferredEncoding(header = ''): Encoding {
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
