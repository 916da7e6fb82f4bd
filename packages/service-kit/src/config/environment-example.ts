import type { TObject } from '@sinclair/typebox';
import { collectVariables } from './collect-variables.ts';
import { describeVariable } from './describe-variable.ts';

/**
 * The text of an `.env.example`: required variables empty, the others commented out at their defaults.
 *
 * @param schemas by service name
 */
export function environmentExample(schemas: Readonly<Record<string, TObject>>): string {
  return collectVariables(schemas)
    .map(({ name, schema, isRequired, services }) => {
      const assignment = isRequired ? `${name}=` : `# ${name}=${String(schema.default ?? '')}`;
      return `# ${schema.description} (${describeVariable(schema)}; ${services.join(', ')})\n${assignment}\n`;
    })
    .join('\n');
}
