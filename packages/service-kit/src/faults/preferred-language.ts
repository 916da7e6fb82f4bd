import type { Language } from './faults.ts';

interface Wish {
  readonly language: Language;
  readonly quality: number;
}

/**
 * The language to tell a fault in: Indonesian if `Accept-Language` ranks it above English, by
 * quality, then by order of mention; otherwise English. Languages we do not speak are skipped.
 */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  if (acceptLanguage === undefined) return 'en';
  const wishes = acceptLanguage
    .split(',')
    .map(toWish)
    .filter((wish) => wish !== undefined)
    .filter((wish) => wish.quality > 0);
  // The sort is stable, so equal qualities keep the order of the header.
  return wishes.toSorted((a, b) => b.quality - a.quality)[0]?.language ?? 'en';
}

function toWish(entry: string): Wish | undefined {
  const [range = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
  const primary = range.split('-')[0];
  // "*" is content with anything, so it gets what we write best.
  const language = primary === 'id' ? 'id' : primary === 'en' || primary === '*' ? 'en' : undefined;
  if (language === undefined) return undefined;

  const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, '');
  if (quality === undefined) return { language, quality: 1 };
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(quality) ? { language, quality: Number(quality) } : undefined;
}
