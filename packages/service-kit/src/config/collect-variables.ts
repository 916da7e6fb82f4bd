import type { TObject, TSchema } from '@sinclair/typebox';

/** One environment variable and the services that read it. */
export interface CollectedVariable {
  readonly name: string;
  readonly schema: TSchema;
  readonly isRequired: boolean;
  readonly services: readonly string[];
}

/**
 * Merges the schemas of several services into one list, in the order of first mention.
 *
 * @param schemas by service name
 * @throws Error when a variable has no description, or means different things to two services
 */
export function collectVariables(schemas: Readonly<Record<string, TObject>>): readonly CollectedVariable[] {
  const found = new Map<string, { schema: TSchema; isRequired: boolean; services: string[] }>();
  for (const [service, object] of Object.entries(schemas)) {
    for (const [name, schema] of Object.entries(object.properties)) {
      if (schema.description === undefined) throw new Error(`${service}: ${name} has no description`);
      const known = found.get(name);
      if (known === undefined) {
        const isRequired = (object.required ?? []).includes(name) && schema.default === undefined;
        found.set(name, { schema, isRequired, services: [service] });
      } else if (JSON.stringify(known.schema) === JSON.stringify(schema)) {
        known.services.push(service);
      } else {
        throw new Error(`${name} is described differently by ${known.services.join(', ')} and ${service}`);
      }
    }
  }
  return [...found].map(([name, rest]) => ({ name, ...rest }));
}
