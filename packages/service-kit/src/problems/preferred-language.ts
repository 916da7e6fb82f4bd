import type { Language } from './problem-table.ts';

/** An entry with its subtags cut off. `in` and `ind` are other tags of Indonesian: Android and Java send `in`. */
const entry = /^(?:(?<id>id|in|ind)|en|eng|\*)(?:[-_][\w-]*)?(?:\s*;(?<weight>.*))?$/i;
/** Any other weight is invalid (RFC 9110, 12.4.2), and its entry counts for nothing. */
const weightForm = /^\s*q\s*=\s*(?<quality>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/**
 * The language of `detail`: Indonesian if `Accept-Language` ranks it above English, by quality, then by order of
 * mention; otherwise English, which `*` stands for. infra/gateway/language.conf decides the same.
 */
export function preferredLanguage(acceptLanguage = ''): Language {
  if (acceptLanguage === '') return 'en';
  const best = { id: 0, en: 0 };
  let first: Language = 'en';
  for (const text of acceptLanguage.split(',').toReversed()) {
    const { groups } = entry.exec(text.trim()) ?? {};
    if (groups === undefined) continue;
    first = groups['id'] === undefined ? 'en' : 'id';
    const { weight } = groups;
    const quality = weight === undefined ? 1 : Number(weightForm.exec(weight)?.groups?.['quality'] ?? 0);
    best[first] = Math.max(best[first], quality);
  }
  if (best.id === best.en) return best.id > 0 ? first : 'en';
  return best.id > best.en ? 'id' : 'en';
}
