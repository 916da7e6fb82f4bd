import { isIP } from 'node:net';
import type { TSchema } from '@sinclair/typebox';

/** The text formats of environment variables: how each is checked, and what it is called in messages and documents. */
export const variableFormats: Readonly<
  Record<string, { readonly phrase: string; readonly isValid: (text: string) => boolean }>
> = {
  'postgres-url': {
    phrase: 'a postgres:// or postgresql:// URL',
    // A socket folder may stand in for the host.
    isValid: (text) =>
      isUrl(text, ['postgres:', 'postgresql:'], (url) => url.hostname !== '' || url.searchParams.has('host')),
  },
  'redis-url': {
    phrase: 'a redis:// or rediss:// URL',
    isValid: (text) => isUrl(text, ['redis:', 'rediss:'], (url) => url.hostname !== ''),
  },
  'http-url': {
    phrase: 'an http:// or https:// URL',
    isValid: (text) => isUrl(text, ['http:', 'https:']),
  },
  'cidr-list': {
    phrase: 'addresses and ranges such as 10.0.0.0/8, separated by commas',
    isValid: isCidrList,
  },
  'origin-list': {
    phrase: 'origins such as https://tickets.example, separated by commas',
    // As a browser sends it: scheme, host and port, nothing behind them.
    isValid: (text) =>
      entriesOf(text).every((entry) => isUrl(entry, ['http:', 'https:'], ({ origin }) => origin === entry)),
  },
};

const typePhrases: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'text',
};

/** The values of a variable as a phrase, built from its schema alone: "a whole number from 1 to 200". */
export function describeVariable(schema: TSchema): string {
  if (Array.isArray(schema['enum'])) return `one of ${schema['enum'].join(', ')}`;

  const format: unknown = schema['format'];
  if (typeof format === 'string') return variableFormats[format]?.phrase ?? `text in the format ${format}`;

  return [
    typePhrases[String(schema['type'])] ?? 'a value',
    range(schema['atLeast'] ?? schema['minimum'], schema['atMost'] ?? schema['maximum'], ''),
    range(schema['minLength'], schema['maxLength'], ' characters'),
    typeof schema['pattern'] === 'string' ? `matching ${schema['pattern']}` : '',
  ]
    .filter((phrase) => phrase !== '')
    .join(' ');
}

/** A bound is a number or the name of another variable. */
function range(least: unknown, most: unknown, unit: string): string {
  const [hasLeast, hasMost] = [least, most].map((bound) => ['number', 'string'].includes(typeof bound));
  if (hasLeast && hasMost)
    return unit === ''
      ? `from ${String(least)} to ${String(most)}`
      : `of ${String(least)} to ${String(most)}${unit}`;
  if (hasLeast) return unit === '' ? `from ${String(least)}` : `of at least ${String(least)}${unit}`;
  if (hasMost) return unit === '' ? `up to ${String(most)}` : `of at most ${String(most)}${unit}`;
  return '';
}

function isUrl(
  text: string,
  protocols: readonly string[],
  fits: (url: URL) => boolean = () => true,
): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return protocols.includes(url.protocol) && fits(url);
}

/** Whether each entry is an address, or a range in CIDR notation; names such as `loopback` are not. */
function isCidrList(text: string): boolean {
  return entriesOf(text).every((entry) => {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    return bits >= 0 && Number(prefix ?? bits) <= bits;
  });
}

/** The entries of a list such as `10.0.0.0/8, fd00::/8`. */
export function entriesOf(list: string): string[] {
  return list.split(',').map((entry) => entry.trim());
}
