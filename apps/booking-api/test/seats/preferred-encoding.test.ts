import { expect, it } from 'vitest';
import { preferredEncoding } from '../../src/answers/preferred-encoding.ts';

it.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, deflate', 'gzip'],
  ['GZIP', 'gzip'],
  ['*', 'br'],
  ['br;q=0, *', 'gzip'],
  ['br;q=0.5, gzip;q=0.8', 'gzip'],
  ['gzip;q=0', 'identity'],
  ['identity, gzip', 'gzip'],
  ['identity, gzip;q=0.5', 'identity'],
  ['br;q=x', 'identity'],
  ['deflate', 'identity'],
  ['identity;q=0', 'identity'],
])('Accept-Encoding %j is answered with %s', (header, encoding) => {
  expect(preferredEncoding(header)).toBe(encoding);
});
