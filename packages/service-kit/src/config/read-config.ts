import type { Static, TObject } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import { describeVariable, variableFormats } from './variable-formats.ts';

/** The environment does not fit the schema. The message names each missing or wrong variable, never a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const formats = Object.entries(variableFormats).map(([name, { isValid }]) => [name, isValid] as const);
const ajv = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  formats: Object.fromEntries(formats),
});
// The rules that join two variables: `atLeast: 'RATE_LIMIT_MAX'` in the schema of another one. A value that is no number is
// refused where it stands.
for (const [keyword, isBroken] of [
  ['atLeast', (value: number, other: number) => value < other],
  ['atMost', (value: number, other: number) => value > other],
] as const) {
  ajv.addKeyword({
    keyword,
    type: 'number',
    schemaType: 'string',
    errors: false,
    validate: (name: string, value: number, _schema: unknown, context?: { parentData: object }) => {
      const values = (context?.parentData ?? {}) as Readonly<Record<string, unknown>>;
      return !isBroken(value, Number(values[name]));
    },
  });
}

/**
 * Reads a service's configuration from environment variables.
 *
 * @param schema one TypeBox object: each property with description, type, default and bounds
 * @param env usually `process.env`; an empty string counts as unset, unknown variables are ignored
 * @returns the values, read as their declared types, frozen
 * @throws ConfigError whose message lists every missing or wrong variable by name and holds no value
 */
export function readConfig<Schema extends TObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Static<Schema>> {
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(schema.properties)) {
    if (env[name] !== undefined && env[name] !== '') values[name] = env[name];
  }

  raiseDefaults(schema, values);
  const validate = ajv.compile<Static<Schema>>(schema);
  if (!validate(values)) throw new ConfigError(messageOf(schema, validate.errors ?? [], env));
  return Object.freeze(values);
}

/** A variable that is not set follows the one that it must not be below. */
function raiseDefaults(schema: TObject, values: Record<string, unknown>): void {
  for (const [name, { atLeast, default: byDefault }] of Object.entries(schema.properties)) {
    if (typeof atLeast !== 'string' || values[name] !== undefined) continue;
    const least = Number(values[atLeast]);
    if (least > Number(byDefault)) values[name] = least;
  }
}

/** What a kubelet sets `<SERVICE>_PORT` to, for each Service of the namespace. */
const serviceLink = /^(?:tcp|udp|sctp):\/\/(?:[\d.]+|\[[\da-f:]+\]):\d+$/i;
const serviceLinkHint =
  '; Kubernetes made its value from a Service of that name: set enableServiceLinks: false in the pod';

function messageOf(
  schema: TObject,
  errors: readonly ErrorObject[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  const findings = new Map<string, string>();
  for (const error of errors) {
    const isMissing = error.keyword === 'required';
    const name = isMissing
      ? String(error.params['missingProperty'])
      : (error.instancePath.split('/')[1] ?? '');
    const variable = schema.properties[name];
    // An error of the schema as a whole (two variables that exclude each other) belongs to no name.
    if (variable === undefined)
      findings.set(error.schemaPath, error.message ?? 'the variables do not fit together');
    else
      findings.set(
        name,
        `${name} ${isMissing ? 'is not set: it ' : ''}must be ${describeVariable(variable)}${
          serviceLink.test(env[name] ?? '') ? serviceLinkHint : ''
        }`,
      );
  }
  const lines = [...findings.values()].map((finding) => `  - ${finding}`);
  const count =
    lines.length === 1 ? '1 environment variable is' : `${lines.length} environment variables are`;
  return `${count} missing or wrong:\n${lines.join('\n')}`;
}
