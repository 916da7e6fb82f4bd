import type { ErrorObject } from 'ajv';
import localizer from 'ajv-i18n/localize/id/index.js';
import type { Language, Sentence } from './problem-table.ts';
import { sentences } from './http-error.ts';

/** More would make the answer larger than the request. */
export const maxErrors = 20;

// Its types promise a default export, but the CommonJS module is the function itself.
const localizeIndonesian = localizer as unknown as typeof localizer.default;

/** A member that no schema knows may have a name of any length: its pointer shows the beginning. */
const maxMemberLength = 128;

/** The JSON Pointer (RFC 6901) to a member of the object. */
export function memberPointer(member: string): string {
  if (member.length > maxMemberLength) return memberPointer(`${member.slice(0, maxMemberLength - 1)}…`);
  return `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/**
 * Words Ajv's errors for people, in one language.
 *
 * @param source what was validated: `body`, `querystring` or `params`
 * @returns `pointer` leads into the source, and to a missing or unknown member directly; `''` is the source as a whole
 */
export function describeValidation(
  errors: readonly ErrorObject[],
  source: string,
  language: Language,
): readonly { readonly pointer: string; readonly detail: string }[] {
  const prefix = prefixes[source]?.[language] ?? '';
  return pickUnionBranch(errors)
    .slice(0, maxErrors)
    .map((error) => ({
      pointer: pointerOf(error),
      detail: prefix + (sentenceOf(error, source)?.[language] ?? fallback(error, language)),
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

function sentenceOf({ keyword, params }: ErrorObject, source: string): Sentence | undefined {
  switch (keyword) {
    case 'bodyRequired':
      return sentences.bodyRequired;
    case 'required':
      return sentences.memberRequired;
    case 'additionalProperties':
      return source === 'querystring' ? sentences.unknownParameter : sentences.unknownMember;
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

/**
 * Ajv reports the errors of every branch of a union. Keeps those of the branch that the client most likely meant: the
 * branch whose members fit best, then the branch with the fewest errors. A union of constants becomes one error that
 * lists them.
 */
function pickUnionBranch(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const union = errors.find((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf');
  if (union === undefined) return errors;

  const branches = new Map<string, ErrorObject[]>();
  const others: ErrorObject[] = [];
  for (const error of errors) {
    if (error === union) continue;
    const rest = error.schemaPath.startsWith(`${union.schemaPath}/`)
      ? error.schemaPath.slice(union.schemaPath.length + 1)
      : undefined;
    const branch = rest?.split('/')[0];
    // The same union may be broken at several places of an array: only this place is meant.
    if (branch === undefined || !isWithin(error.instancePath, union.instancePath)) others.push(error);
    else if (branches.has(branch)) branches.get(branch)?.push(error);
    else branches.set(branch, [error]);
  }

  const candidates = [...branches.values()];
  if (candidates.length === 0) return [...pickUnionBranch(others), { ...union, keyword: 'union' }];
  const constants = candidates.flat();
  if (constants.every((error) => error.keyword === 'const' && error.instancePath === union.instancePath)) {
    const allowedValues = constants.map((error) => error.params['allowedValue'] as unknown);
    return [...pickUnionBranch(others), { ...union, keyword: 'enum', params: { allowedValues } }];
  }
  const best = candidates.toSorted((a, b) => misfits(a) - misfits(b) || a.length - b.length)[0] ?? [];
  return [...pickUnionBranch(others), ...pickUnionBranch(best)];
}

function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}/`);
}

function misfits(errors: readonly ErrorObject[]): number {
  return errors.filter(({ keyword }) => ['required', 'additionalProperties', 'type'].includes(keyword))
    .length;
}
