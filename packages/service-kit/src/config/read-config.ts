import type { Static, TObject } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import { isCidrList } from './cidr-list.ts';
import { ConfigError } from './config-error.ts';
import { isHttpUrl, isPostgresUrl, isRedisUrl } from './connection-url.ts';
import { describeVariable } from './describe-variable.ts';
import { isOriginList } from './origin-list.ts';

const ajv = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  formats: {
    'postgres-url': isPostgresUrl,
    'redis-url': isRedisUrl,
    'http-url': isHttpUrl,
    'cidr-list': isCidrList,
    'origin-list': isOriginList,
    uri: (text: string) => URL.canParse(text),
  },
});

/**
 * Reads a service's configuration from environment variables.
 *
 * @param schema one TypeBox object: each property with description, type, default and bounds
 * @param env usually `process.env`; an empty string counts as unset, unknown variables are ignored
 * @returns the values, read as their declared types, frozen
 * @throws ConfigError whose message lists every fault by variable name and holds no value
 */
export function readConfig<Schema extends TObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Static<Schema>> {
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(schema.properties)) {
    if (env[name] !== undefined && env[name] !== '') values[name] = env[name];
  }

  const validate = ajv.compile<Static<Schema>>(schema);
  if (!validate(values)) throw new ConfigError(faultMessage(schema, validate.errors ?? []));
  return Object.freeze(values);
}

function faultMessage(schema: TObject, errors: readonly ErrorObject[]): string {
  const faults = new Map<string, string>();
  for (const error of errors) {
    const isMissing = error.keyword === 'required';
    const name = isMissing
      ? String(error.params['missingProperty'])
      : (error.instancePath.split('/')[1] ?? '');
    const variable = schema.properties[name];
    // A fault of the schema as a whole (two variables that exclude each other) belongs to no name.
    if (variable === undefined)
      faults.set(error.schemaPath, error.message ?? 'the variables do not fit together');
    else
      faults.set(name, `${name} ${isMissing ? 'is not set: it ' : ''}must be ${describeVariable(variable)}`);
  }
  const lines = [...faults.values()].map((fault) => `  - ${fault}`);
  const count =
    lines.length === 1 ? '1 environment variable is' : `${lines.length} environment variables are`;
  return `${count} missing or wrong:\n${lines.join('\n')}`;
}
