import Negotiator from 'negotiator';

/** How a body can be sent: as it is, or compressed in a way that most clients read. */
export type Encoding = 'identity' | 'gzip' | 'br';

/** The best ratio of bytes to time first. */
const preferred: readonly Encoding[] = ['br', 'gzip', 'identity'];

/** The second parameter of `encoding` is documented by negotiator; its types lack it. */
interface EncodingNegotiator {
  encoding(
    available: readonly string[],
    options: { readonly preferred: readonly string[] },
  ): string | undefined;
}

/**
 * The encoding to answer an `Accept-Encoding` with: the accepted one with the greatest weight, of equal ones the
 * smallest. A client that refuses even `identity` gets it all the same: an answer is better than none.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function preferredEncoding(header: string | undefined): Encoding {
  const negotiator: EncodingNegotiator = new Negotiator({ headers: { 'accept-encoding': header } });
  const encoding = negotiator.encoding(preferred, { preferred });
  return preferred.find((known) => known === encoding) ?? 'identity';
}
