import { Ajv, type ErrorObject, type FormatDefinition, type Options, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import traverse from 'json-schema-traverse';

/** A validator as Fastify calls it: false, and then `errors` says why. */
interface Validator {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/**
 * Ajv stops at the first error or not at all, and each error costs an object. Only a part of the request with at most so
 * many values, and so many characters, gets its errors listed; a larger one gets its first.
 */
const fullReport = { values: 500, characters: 16 * 1024 };

/** A moment has 35 characters at most; Ajv's format would split a megabyte at its spaces. */
const maxMomentLength = 64;

const options: Options = {
  // Validated members are neither dropped nor turned into something else.
  removeAdditional: false,
  coerceTypes: false,
  useDefaults: true,
  strict: true,
  // TypeBox puts types on both sides of a union, which strict mode would log.
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  addUsedSchema: false,
};

function createAjv(overrides: Options): Ajv {
  const ajv = new Ajv({ ...options, ...overrides });
  ajvFormats.default(ajv);
  // ajv-formats also takes "urn:uuid:…", which PostgreSQL and Redis keys would not.
  ajv.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i);
  const { validate: isMoment } = ajvFormats.default.get('date-time') as FormatDefinition<string>;
  if (typeof isMoment !== 'function') throw new Error('the format date-time is no function');
  ajv.addFormat('date-time', (text) => text.length <= maxMomentLength && isMoment(text));
  return ajv;
}

/**
 * Creates the compiler of request schemas: bodies are taken as they are; values of query and path are text and so are
 * read as their type.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const toFirstError = createAjv({ allErrors: false });
  const toLastError = createAjv({ allErrors: true });

  return ({ schema, httpPart, method, url }) => {
    const validate = validator(toFirstError.compile(schema), toLastError.compile(schema));
    if (httpPart !== 'body') return readingTexts(schema, validate);
    try {
      assertClosedObjects(schema);
    } catch (error) {
      throw new Error(`${method} ${url}: ${(error as Error).message}`, { cause: error });
    }
    return validate;
  };
}

/** Ajv's own coercion takes `0x2`, `1e1` and ` 5` for numbers. */
const plainInteger = /^(?:0|-?[1-9]\d*)$/;

/** Reads each value of a query or path as the type of its member, before it is validated. */
function readingTexts(schema: object, validate: Validator): Validator {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, { type?: unknown }>> };
  const typed = Object.entries(properties).map(([name, { type }]) => ({ name, type }));
  const read: Validator = (data) => {
    const texts = data as Record<string, unknown>;
    for (const { name, type } of typed) {
      const text = texts[name];
      if (typeof text !== 'string') continue;
      if (type === 'integer' && plainInteger.test(text)) texts[name] = Number(text);
      if (type === 'boolean' && (text === 'true' || text === 'false')) texts[name] = text === 'true';
    }
    const isValid = validate(data);
    read.errors = validate.errors ?? null;
    return isValid;
  };
  return read;
}

function validator(toFirstError: ValidateFunction, toLastError: ValidateFunction): Validator {
  const validate: Validator = (data) => {
    if (data === null) {
      // Fastify passes null for a missing body; "must be an object" would mislead.
      validate.errors = [{ keyword: 'bodyRequired', instancePath: '', schemaPath: '#', params: {} }];
      return false;
    }
    if (toFirstError(data)) return true;
    const isListed = isSmall(data) && !toLastError(data);
    validate.errors = (isListed ? toLastError : toFirstError).errors ?? null;
    return false;
  };
  return validate;
}

/** Measures without recursion: a body may be nested as deep as it is long. */
function isSmall(data: unknown): boolean {
  let { values, characters } = fullReport;
  const unmeasured = [data];
  while (unmeasured.length > 0) {
    const value = unmeasured.pop();
    values -= 1;
    if (typeof value === 'string') characters -= value.length;
    if (typeof value === 'object' && value !== null) {
      for (const name in value) {
        characters -= name.length;
        unmeasured.push((value as Record<string, unknown>)[name]);
        if (unmeasured.length > values) return false;
      }
    }
    if (values < 0 || characters < 0) return false;
  }
  return true;
}

/**
 * Refuses a body schema that would let unknown members through: JSON Schema allows them by default, and one forgotten
 * `additionalProperties: false` would show only in production.
 *
 * @throws Error that names the place, when the service is built
 */
function assertClosedObjects(schema: object): void {
  const cb = (node: Readonly<Record<string, unknown>>, place: string): void => {
    if (node['properties'] === undefined || node['additionalProperties'] !== undefined) return;
    throw new Error(
      `body schema #${place}: additionalProperties is not set; unknown members must be refused`,
    );
  };
  traverse(schema, { cb });
}
