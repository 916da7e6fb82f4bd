import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Fails when no migration brings the schema to that of src/postgres/schema.ts. drizzle-kit generates the next migration
 * into a copy of the folder: a file that appears there was forgotten. This needs no database.
 */

const packageFolder = fileURLToPath(new URL('.', import.meta.url));
const migrationsFolder = join(packageFolder, 'migrations');
const workFolder = mkdtempSync(join(tmpdir(), 'schema-drift-'));

function generateInto(folder) {
  // drizzle-kit joins `out` to its working folder, whatever it looks like.
  const out = relative(packageFolder, folder);
  const options = ['--dialect=postgresql', '--schema=./src/postgres/schema.ts', `--out=${out}`];
  // Without a terminal drizzle-kit asks no questions, such as whether a column was renamed.
  return spawnSync('drizzle-kit', ['generate', ...options], {
    cwd: packageFolder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
}

function fail(finding) {
  process.stderr.write(
    `src/postgres/schema.ts and migrations/ have drifted apart. A migration ${finding}, and commit it.\n`,
  );
  process.exitCode = 1;
}

try {
  const copy = join(workFolder, 'migrations');
  cpSync(migrationsFolder, copy, { recursive: true });
  const before = new Set(readdirSync(copy));
  const { status, stdout, stderr, error } = generateInto(copy);
  const added = readdirSync(copy).filter((name) => !before.has(name));
  if (error !== undefined) throw error;
  if (added.length > 0) {
    const sql = added.map((name) => readFileSync(join(copy, name), 'utf8')).join('\n');
    fail(`is missing:\n\n${sql}\n\nRun "drizzle-kit generate" in packages/seat-core, read what it writes`);
  } else if (stderr.includes('Interactive prompts')) {
    fail(
      'cannot be guessed: was something renamed?\nRun "drizzle-kit generate" in packages/seat-core, which asks',
    );
  } else if (status !== 0 || !stdout.includes('No schema changes')) {
    throw new Error(`drizzle-kit could not compare:\n${stdout}${stderr}`);
  }
} finally {
  rmSync(workFolder, { recursive: true, force: true });
}
