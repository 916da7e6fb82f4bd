import { findPostgresTool, runCommand } from '@ticketing/testkit';

/**
 * As docs/deployment.md has it: the whole database at one moment, while it is being sold from.
 *
 * @param more flags, to show what a check would find
 */
export async function backUp(databaseUrl: string, file: string, more: readonly string[] = []): Promise<void> {
  await run('pg_dump', [
    '--format=custom',
    '--no-password',
    ...more,
    `--file=${file}`,
    `--dbname=${databaseUrl}`,
  ]);
}

/** Into a database that is there and empty; in one transaction, so that there is no half of it. */
export async function restore(
  file: string,
  databaseUrl: string,
  more: readonly string[] = [],
): Promise<void> {
  const flags = ['--exit-on-error', '--single-transaction', '--no-password', ...more];
  await run('pg_restore', [...flags, `--dbname=${databaseUrl}`, file]);
}

async function run(tool: 'pg_dump' | 'pg_restore', args: readonly string[]): Promise<void> {
  const { program, env } = await findPostgresTool(tool);
  const { code, output } = await runCommand([program, ...args], { env: { ...process.env, ...env } });
  if (code !== 0) throw new Error(`${tool} ended with ${code}:\n${output}`);
}
