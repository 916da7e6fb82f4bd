import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot, runCommand } from '@ticketing/dev-stack';

const folder = join(repositoryRoot, 'packages/seat-core/migrations');

/** These made the schema that the first build ran on. */
const founding = 3;

/** The migrations by name, in the order in which they are applied. */
async function migrationNames(): Promise<string[]> {
  const journal = JSON.parse(await readFile(join(folder, 'meta/_journal.json'), 'utf8')) as {
    entries: { tag: string }[];
  };
  return journal.entries.map(({ tag }) => tag);
}

/** What the build before a migration could stumble over; allowed only where the file says why nothing does any more. */
const breaking: readonly (readonly [RegExp, string])[] = [
  [
    /\bdrop\s+(table|column|view|type|function|trigger|schema|constraint|index|default)\b/,
    'drops what the previous build may use',
  ],
  [/\b(truncate|delete\s+from)\b/, 'removes rows that the previous build may read'],
  [/\brevoke\b/, 'takes a right that the previous build may use'],
  [/\b(rename|set\s+schema)\b/, 'renames: to the previous build it is gone'],
  [/\balter\s+column\b[^;]*\b(type|set\s+data\s+type)\b/, 'changes a type under the previous build'],
  [/\balter\s+column\b[^;]*\bset\s+not\s+null\b/, 'asks for a value that the previous build does not write'],
  [
    /\badd\s+column\b(?![^,]*\bdefault\b)[^,]*\bnot\s+null\b/,
    'adds a column that the previous build does not fill',
  ],
  [
    /\badd\s+column\b[^,]*(\bserial\b|\bbigserial\b|\bgenerated\b|\bdefault\s+(gen_random_uuid|random|clock_timestamp|nextval)\b)/,
    'gives each row a value of its own: writes all of them anew under a lock',
  ],
  [
    /\badd\s+column\b[^,]*\b(unique|primary\s+key|references)\b/,
    'reads all rows under a lock: add the column, then what holds for it',
  ],
  [
    /\block\s+table\b|\bvacuum\s+full\b|\bcluster\b|\breindex\b(?!.*\bconcurrently\b)/,
    'locks what is sold from',
  ],
  [
    /\badd\s+constraint\b(?![^;]*\bnot\s+valid\b)/,
    'checks all rows under a lock: add it "not valid", then validate it',
  ],
  [
    /\bcreate\s+(unique\s+)?index\b(?!\s+concurrently)[^;]*\bon\s+"?(events|seats|bookings|booking_seats|booking_events|idempotency_keys)\b"?/,
    'builds an index on a table that is sold from, under a lock',
  ],
];

/** @returns sentences about one migration; none when the previous build can go on */
export function checkMigration(sql: string): string[] {
  if (/^--\s*contract:\s*\S/m.test(sql)) return [];
  const statements = withoutBrackets(sql.toLowerCase().replaceAll(/--.*$/gm, ''));
  // A table that is made here is used by no build yet.
  const made = [...statements.matchAll(/create\s+table\s+(?:if\s+not\s+exists\s+)?"?(\w+)"?/g)].map(
    ([, name]) => name,
  );
  return statements
    .split(';')
    .filter(
      (statement) => !made.some((name) => new RegExp(String.raw`(table|on)\s+"?${name}"?\b`).test(statement)),
    )
    .flatMap((statement) => breaking.filter(([pattern]) => pattern.test(statement)).map(([, why]) => why));
}

/** So that a comma is one between the parts of a statement. */
function withoutBrackets(text: string): string {
  const shorter = text.replaceAll(/\([^()]*\)/g, ' ');
  return shorter === text ? text : withoutBrackets(shorter);
}

export async function checkMigrations(): Promise<string[]> {
  const faults: string[] = [];
  for (const name of (await migrationNames()).slice(founding)) {
    const sql = await readFile(join(folder, `${name}.sql`), 'utf8');
    faults.push(...checkMigration(sql).map((fault) => `${name} ${fault}`));
  }
  return faults;
}

/** The commit before the one that brought the newest migration; undefined where the history is not at hand. */
export async function commitBeforeNewestMigration(): Promise<string | undefined> {
  const newest = (await migrationNames()).at(-1)!;
  const path = `packages/seat-core/migrations/${newest}.sql`;
  const added = await git(['log', '--diff-filter=A', '--format=%H', '-1', '--', path]);
  return added === undefined ? undefined : git(['rev-parse', '--verify', `${added}^`]);
}

async function git(args: readonly string[]): Promise<string | undefined> {
  try {
    const { code, output } = await runCommand(['git', '-C', repositoryRoot, ...args]);
    const line = output.trim();
    return code === 0 && line !== '' ? line : undefined;
  } catch {
    // A checkout without git has no history either.
    return undefined;
  }
}
