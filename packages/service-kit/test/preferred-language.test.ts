import { expect, test } from 'vitest';
import { preferredLanguage } from '../src/problems/problem-handlers.ts';

test.each([
  [undefined, 'en'],
  ['', 'en'],
  ['id', 'id'],
  ['id-ID', 'id'],
  ['ID-id', 'id'],
  ['id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7', 'id'],
  ['en', 'en'],
  ['en, id', 'en'],
  ['id, en', 'id'],
  ['en;q=0.5, id', 'id'],
  ['id;q=0.5, en', 'en'],
  ['id;q=0.5, en;q=0.5', 'id'],
  ['id ; q=0.2 , en ; q=0.9', 'en'],
  ['id;Q=0.9, en;q=0.3', 'id'],
  ['id;q=0', 'en'],
  ['id;q=0.000', 'en'],
  ['*', 'en'],
  ['*, id;q=0.5', 'en'],
  ['id, *;q=0.5', 'id'],
  ['fr, id;q=0.9, en;q=0.8', 'id'],
  ['fr', 'en'],
  ['idx, ide', 'en'],
  ['id;q=2, en;q=0.1', 'en'],
  ['id;q=abc', 'en'],
  [';;,,;q=1', 'en'],
])('Accept-Language %j is answered in %s', (header, language) => {
  expect(preferredLanguage(header)).toBe(language);
});
