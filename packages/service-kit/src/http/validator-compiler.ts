import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import { assertClosedObjects } from './assert-closed-objects.ts';

/** A validator as Fastify calls it: false, and then `errors` says why. */
interface Validator {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/**
 * Each fault found costs an object, and a body may be a megabyte of faults: only bodies up to this size
 * get all of theirs listed, larger ones the first. Query and path are bounded by the header size.
 */
const fullReportSize = 16 * 1024;

const options: Options = {
  // Validated members are neither dropped nor, in bodies, turned into something else.
  removeAdditional: false,
  useDefaults: true,
  strict: true,
  // TypeBox says types on both sides of a union, which strict mode would log about.
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
 * Creates the compiler of request schemas: bodies are taken as they are, values of query, path and
 * headers are text and so are read as their type.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const text = createAjv({ coerceTypes: true, allErrors: true });
  const bodyToFirstFault = createAjv({ coerceTypes: false, allErrors: false });
  const bodyToLastFault = createAjv({ coerceTypes: false, allErrors: true });

  return ({ schema, httpPart, method, url }) => {
    if (httpPart !== 'body') return text.compile(schema);
    try {
      assertClosedObjects(schema);
    } catch (error) {
      throw new Error(`${method} ${url}: ${(error as Error).message}`, { cause: error });
    }
    return bodyValidator(bodyToFirstFault.compile(schema), bodyToLastFault.compile(schema));
  };
}

function bodyValidator(toFirstFault: ValidateFunction, toLastFault: ValidateFunction): Validator {
  const validate: Validator = (data) => {
    if (data === null) {
      // Fastify hands over null where no body came; "must be an object" would be a riddle.
      validate.errors = [{ keyword: 'bodyRequired', instancePath: '', schemaPath: '#', params: {} }];
      return false;
    }
    if (toFirstFault(data)) return true;
    const isListed = isSmall(data) && !toLastFault(data);
    validate.errors = (isListed ? toLastFault : toFirstFault).errors ?? null;
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
