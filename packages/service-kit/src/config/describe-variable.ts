import type { TSchema } from '@sinclair/typebox';

const formats: Readonly<Record<string, string>> = {
  'postgres-url': 'a postgres:// or postgresql:// URL',
  'redis-url': 'a redis:// or rediss:// URL',
  'http-url': 'an http:// or https:// URL',
  'cidr-list': 'addresses and ranges such as 10.0.0.0/8, separated by commas',
  'origin-list': 'origins such as https://tickets.example, separated by commas',
  uri: 'a URL',
};

const types: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'text',
};

/** What a variable may hold, as a phrase: "a whole number from 1 to 200". Built from the schema alone. */
export function describeVariable(schema: TSchema): string {
  if (Array.isArray(schema['enum'])) return `one of ${schema['enum'].join(', ')}`;

  const format: unknown = schema['format'];
  if (typeof format === 'string') return formats[format] ?? `text in the format ${format}`;

  const noun = types[String(schema['type'])] ?? 'a value';
  return [
    noun,
    range(schema['minimum'], schema['maximum'], ''),
    range(schema['minLength'], schema['maxLength'], ' characters'),
    typeof schema['pattern'] === 'string' ? `matching ${schema['pattern']}` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function range(least: unknown, most: unknown, unit: string): string {
  if (typeof least === 'number' && typeof most === 'number') {
    return unit === '' ? `from ${least} to ${most}` : `of ${least} to ${most}${unit}`;
  }
  if (typeof least === 'number') return unit === '' ? `from ${least}` : `of at least ${least}${unit}`;
  if (typeof most === 'number') return unit === '' ? `up to ${most}` : `of at most ${most}${unit}`;
  return '';
}
