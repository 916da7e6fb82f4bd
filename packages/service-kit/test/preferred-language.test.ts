import { acceptedLanguages } from '@ticketing/testkit';
import { expect, test } from 'vitest';
import { preferredLanguage } from '../src/problems/preferred-language.ts';

test.each([[undefined, 'en'] as const, ...acceptedLanguages])(
  'Accept-Language %j is answered in %s',
  (header, language) => {
    expect(preferredLanguage(header)).toBe(language);
  },
);
