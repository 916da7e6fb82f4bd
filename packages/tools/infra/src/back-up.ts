import { findPostgresTool, runCommand } from '@ticketing/testkit';

/** Backs up the whole database at one moment, as docs/deployment.md says, while it is in use. */
export async function backUp(databaseUrl: string, file: string): Promise<void> {
  await run('pg_dump', ['--format=custom', `--file=${file}`, `--dbname=${databaseUrl}`]);
}

/**
 * Restores a backup into an empty database, in one transaction: all or nothing.
 *
 * @param flags more of pg_restore's, for a negative test
 */
export async function restore(
  file: string,
  databaseUrl: string,
  flags: readonly string[] = [],
): Promise<void> {
  const own = ['--exit-on-error', '--single-transaction', `--dbname=${databaseUrl}`];
  await run('pg_restore', [...own, ...flags, file]);
}

async function run(tool: 'pg_dump' | 'pg_restore', args: readonly string[]): Promise<void> {
  const { program, env } = await findPostgresTool(tool);
  const command = [program, '--no-password', ...args];
  const { code, output } = await runCommand(command, { env: { ...process.env, ...env } });
  if (code !== 0) throw new Error(`${tool} ended with ${code}:\n${output}`);
}
