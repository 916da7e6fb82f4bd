import type { InputError } from '@ticketing/seat-core/errors';
import type { ErrorObject } from 'ajv';
import localizer from 'ajv-i18n/localize/id/index.js';
import type { Language, Sentence } from './faults.ts';
import { memberPointer } from './member-pointer.ts';
import { pickUnionBranch } from './pick-union-branch.ts';
import { sentences } from './sentences.ts';

/** More than this helps nobody and makes the answer larger than the request. */
export const maxFaults = 20;

// Its types promise a default export, but the CommonJS module is the function itself.
const localizeIndonesian = localizer as unknown as typeof localizer.default;

/**
 * Turns Ajv's errors about one part of a request into faults for people.
 *
 * `pointer` leads into the part: the body, or the object of the query or path values; '' is the part
 * itself. A missing or unknown member is pointed at directly.
 */
export function describeValidation(
  errors: readonly ErrorObject[],
  part: string,
  language: Language,
): readonly InputError[] {
  const prefix = prefixes[part]?.[language] ?? '';
  return pickUnionBranch(errors)
    .slice(0, maxFaults)
    .map((error) => ({
      pointer: pointerOf(error),
      detail: prefix + (sentenceOf(error)?.[language] ?? fallback(error, language)),
    }));
}

const prefixes: Readonly<Record<string, Sentence>> = {
  querystring: { en: 'the query parameter ', id: 'parameter kueri ' },
  params: { en: 'the path parameter ', id: 'parameter alamat ' },
  headers: { en: 'the header ', id: 'header ' },
};

function pointerOf({ keyword, instancePath, params }: ErrorObject): string {
  if (keyword === 'required') return instancePath + memberPointer(params['missingProperty'] as string);
  if (keyword === 'additionalProperties') {
    return instancePath + memberPointer(params['additionalProperty'] as string);
  }
  return instancePath;
}

const types: Readonly<Record<string, Sentence>> = {
  string: { en: 'text', id: 'teks' },
  integer: { en: 'a whole number', id: 'bilangan bulat' },
  number: { en: 'a number', id: 'bilangan' },
  boolean: { en: 'true or false', id: 'true atau false' },
  object: { en: 'an object', id: 'objek' },
  array: { en: 'a list', id: 'daftar' },
  null: { en: 'null', id: 'null' },
};

const formats: Readonly<Record<string, Sentence>> = {
  uuid: { en: 'a UUID', id: 'UUID' },
  'date-time': { en: 'a time such as 2026-08-17T10:00:00Z', id: 'waktu seperti 2026-08-17T10:00:00Z' },
};

function sentenceOf({ keyword, params }: ErrorObject): Sentence | undefined {
  switch (keyword) {
    case 'bodyRequired':
      return sentences.bodyRequired;
    case 'required':
      return sentences.memberRequired;
    case 'additionalProperties':
      return sentences.unknownMember;
    case 'type':
      return mustBe(types[String(params['type'])]);
    case 'format':
      return mustBe(formats[String(params['format'])]);
    case 'enum':
      return mustBeOneOf(params['allowedValues'] as readonly unknown[]);
    case 'const':
      return mustBeOneOf([params['allowedValue']]);
    case 'minimum':
      return { en: `must be at least ${params['limit']}`, id: `paling sedikit ${params['limit']}` };
    case 'maximum':
      return { en: `must be at most ${params['limit']}`, id: `paling banyak ${params['limit']}` };
    case 'minLength':
      return atLeast(params['limit'], 'character', 'karakter');
    case 'maxLength':
      return atMost(params['limit'], 'character', 'karakter');
    case 'minItems':
      return atLeast(params['limit'], 'item', 'butir');
    case 'maxItems':
      return atMost(params['limit'], 'item', 'butir');
    case 'uniqueItems':
      return { en: 'must not hold the same item twice', id: 'tidak boleh memuat butir yang sama dua kali' };
    case 'union':
      return { en: 'fits none of the allowed forms', id: 'tidak sesuai dengan bentuk yang diizinkan' };
    default:
      return undefined;
  }
}

function mustBe(what: Sentence | undefined): Sentence | undefined {
  return what && { en: `must be ${what.en}`, id: `harus berupa ${what.id}` };
}

function mustBeOneOf(values: readonly unknown[]): Sentence {
  const list = values.map(String).join(', ');
  return { en: `must be one of ${list}`, id: `harus salah satu dari ${list}` };
}

function atLeast(limit: unknown, en: string, id: string): Sentence {
  return { en: `must have at least ${count(limit, en)}`, id: `paling sedikit ${String(limit)} ${id}` };
}

function atMost(limit: unknown, en: string, id: string): Sentence {
  return { en: `must have at most ${count(limit, en)}`, id: `paling banyak ${String(limit)} ${id}` };
}

function count(limit: unknown, noun: string): string {
  return `${String(limit)} ${noun}${limit === 1 ? '' : 's'}`;
}

function fallback(error: ErrorObject, language: Language): string {
  if (language === 'en') return error.message ?? 'is not acceptable';
  const translated = { ...error };
  localizeIndonesian([translated]);
  return translated.message ?? 'tidak sesuai';
}
