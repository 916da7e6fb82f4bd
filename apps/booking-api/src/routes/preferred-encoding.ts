import type { MapEncoding } from '@ticketing/seat-core';

/** Of those that we can make, the ones with the best ratio of bytes to time first. */
const preferred = ['br', 'gzip'] as const;

/**
 * The encoding to answer an `Accept-Encoding` with (RFC 9110, 12.5.3): of those that are accepted the one with the
 * greatest weight, of equals the smaller; as it is when none is. `identity` is never refused: an answer is better.
 */
export function preferredEncoding(header: string | undefined): MapEncoding {
  const weights = new Map<string, number>();
  for (const entry of (header ?? '').split(',')) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  const weightOf = (encoding: MapEncoding) => weights.get(encoding) ?? weights.get('*') ?? 0;
  let best: MapEncoding = 'identity';
  let bestWeight = weights.get('identity') ?? 0;
  for (const encoding of preferred) {
    if (
      weightOf(encoding) > bestWeight ||
      (best === 'identity' && bestWeight === weightOf(encoding) && bestWeight > 0)
    ) {
      best = encoding;
      bestWeight = weightOf(encoding);
    }
  }
  return best;
}
