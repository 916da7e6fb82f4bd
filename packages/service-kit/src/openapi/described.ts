import type { TSchema } from '@sinclair/typebox';

/** What the document says of one answer, or of a body that is sent. */
export interface SchemaNotes {
  readonly description: string;
  readonly example?: unknown;
  /** By name in lower case: what each says. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The same schema with what its reader should know at this place. */
export function described<Schema extends TSchema>(
  schema: Schema,
  { description, example, headers }: SchemaNotes,
): Schema {
  const headerSchemas = Object.entries(headers ?? {}).map(([name, text]) => [
    name,
    { type: 'string', description: text },
  ]);
  return {
    ...schema,
    description,
    ...(example === undefined ? {} : { examples: [example] }),
    ...(headers === undefined ? {} : { headers: Object.fromEntries(headerSchemas) as object }),
  };
}
