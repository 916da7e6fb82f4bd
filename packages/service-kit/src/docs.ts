import type { TObject, TSchema } from '@sinclair/typebox';
import { describeVariable } from './config/variable-formats.ts';

/** The facts that documents are generated from. */
export { problems, problemTable } from './problems/problem-table.ts';
export { sentences } from './problems/http-error.ts';

/** The configuration schemas of services, by service name. */
type Schemas = Readonly<Record<string, TObject>>;

/** The text of an `.env.example`: required variables empty, the others commented out at their defaults. */
export function environmentExample(schemas: Schemas): string {
  return collectVariables(schemas)
    .map(({ name, schema, isRequired, services }) => {
      const assignment = isRequired ? `${name}=` : `# ${name}=${String(schema.default ?? '')}`;
      return `# ${schema.description} (${describeVariable(schema)}; ${services.join(', ')})\n${assignment}\n`;
    })
    .join('\n');
}

/** The environment variables as a Markdown table; a variable that several services read gets one row. */
export function environmentTable(schemas: Schemas): string {
  const rows = collectVariables(schemas).map(({ name, schema, isRequired, services }) => [
    `\`${name}\``,
    isRequired ? 'required' : schema.default === undefined ? 'none' : `\`${String(schema.default)}\``,
    describeVariable(schema),
    String(schema.description),
    services.join(', '),
  ]);
  const header = ['name', 'default', 'value', 'meaning', 'read by'];
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('');
}

/**
 * Merges the schemas into one list of variables and the services that read them, in the order of first mention.
 *
 * @throws Error when a variable has no description, or means different things to two services
 */
function collectVariables(schemas: Schemas) {
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
