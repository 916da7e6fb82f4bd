import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import traverse from 'json-schema-traverse';

/** A validator as Fastify calls it: false, and then `errors` says why. */
interface Validator {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/**
 * Each error found costs an object, and a body may be a megabyte of errors: only bodies up to this size get all of
 * theirs listed, larger ones the first. Query and path are bounded by the header size.
 */
const fullReportSize = 16 * 1024;

const options: Options = {
  // Validated members are neither dropped nor, in bodies, turned into something else.
  removeAdditional: false,
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
  return ajv;
}

/**
 * Creates the compiler of request schemas: bodies are taken as they are; values of query and path are text and so are
 * read as their type.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const text = createAjv({ coerceTypes: true, allErrors: true });
  const bodyToFirstError = createAjv({ coerceTypes: false, allErrors: false });
  const bodyToLastError = createAjv({ coerceTypes: false, allErrors: true });

  return ({ schema, httpPart, method, url }) => {
    if (httpPart !== 'body') return text.compile(schema);
    try {
      assertClosedObjects(schema);
    } catch (error) {
      throw new Error(`${method} ${url}: ${(error as Error).message}`, { cause: error });
    }
    return bodyValidator(bodyToFirstError.compile(schema), bodyToLastError.compile(schema));
  };
}

function bodyValidator(toFirstError: ValidateFunction, toLastError: ValidateFunction): Validator {
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

/** Measures a parsed body, by values and characters, without recursion: it may be nested as deep as it is long. */
function isSmall(body: unknown): boolean {
  let left = fullReportSize;
  const unmeasured = [body];
  while (unmeasured.length > 0 && left >= 0) {
    const value = unmeasured.pop();
    left -= typeof value === 'string' ? value.length : 1;
    if (typeof value === 'object' && value !== null) {
      for (const name in value) {
        left -= name.length;
        if (left < 0) return false;
        unmeasured.push((value as Record<string, unknown>)[name]);
      }
    }
  }
  return left >= 0;
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
