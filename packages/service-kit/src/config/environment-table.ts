import type { TObject } from '@sinclair/typebox';
import { collectVariables } from './collect-variables.ts';
import { describeVariable } from './describe-variable.ts';

/**
 * The environment variables of the services as a Markdown table, for documentation that is generated and checked.
 *
 * @param schemas by service name; a variable that several services read gets one row
 */
export function environmentTable(schemas: Readonly<Record<string, TObject>>): string {
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
