import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot, runCommand } from '@ticketing/testkit';

const ownMigrations = join(repositoryRoot, 'packages/seat-core/migrations');

/** The tables and what guards them: the schema that the first build ran on. */
const founding = 2;

/** The migrations by name, in the order in which they are applied. */
async function migrationNames(folder: string): Promise<string[]> {
  const journal = JSON.parse(await readFile(join(folder, 'meta/_journal.json'), 'utf8')) as {
    entries: { tag: string }[];
  };
  return journal.entries.map(({ tag }) => tag);
}

/** Of PostgreSQL itself, and not `serial`, which is a value of its own for each row. */
const type = String.raw`(?:double precision|(?:timestamp|time)(?: with(?:out)? time zone)?|character varying|(?!\w*serial\b)\w+)(?:\[\])?`;
/** A literal, or the moment of the migration: one value for all rows, so that none of them is written. */
const constant = String.raw`(?:''|-?[\d.]+|true|false|now)(?:::${type})?`;
const addedColumn = new RegExp(
  `^add column (?:if not exists )?\\w+ ${type}(?: (?:not null|null|default ${constant}))*$`,
);
const addedConstraint = /^add constraint \w+ (check|foreign key references \w+.*) not valid$/;

/**
 * One statement at a time, each all there is to it: what is not known here is refused. Brackets are gone, so that a
 * comma is one between the parts of a statement.
 *
 * @param made tables of the same migration, which no build uses yet
 */
function isAllowedInside(statement: string, made: readonly string[]): boolean {
  const isOfMade = (pattern: RegExp) => made.includes(pattern.exec(statement)?.[1] ?? '');
  if (isOfMade(/^create table (\w+)$/)) return true;
  if (isOfMade(/^alter table (\w+) add /)) return true;
  if (isOfMade(/^create (?:unique )?index \w+ on (\w+)\b/)) return true;
  const actions = /^alter table \w+ (.*)$/.exec(statement)?.[1]?.split(/ ?, ?/) ?? [];
  return actions.length > 0 && actions.every(isAllowedAction);
}

function isAllowedAction(action: string): boolean {
  if (addedConstraint.test(action)) return true;
  return addedColumn.test(action) && (!action.includes(' not null') || action.includes(' default '));
}

/** Outside a transaction a migration may be done twice: each of these can be. @param before the statement before it */
function isAllowedOutside(statement: string, before: string | undefined): boolean {
  if (/^alter table \w+ validate constraint \w+$/.test(statement)) return true;
  if (/^reindex (?:index|table) concurrently \w+$/.test(statement)) return true;
  // One that failed left an index that is not valid, and of that name.
  const index = /^create index concurrently (\w+) on \w+\b/.exec(statement)?.[1];
  return index !== undefined && before === `drop index concurrently if exists ${index}`;
}

/** What a first try may have left, and never an index that a build uses. @param next the statement after it */
function isMadeAgain(statement: string, next: string | undefined, earlier: string): boolean {
  const index = /^drop index concurrently if exists (\w+)$/.exec(statement)?.[1];
  if (index === undefined || new RegExp(`\\b${index}\\b`, 'i').test(earlier)) return false;
  return next?.startsWith(`create index concurrently ${index} on `) === true;
}

/**
 * @param earlier the text of all migrations before it
 * @returns sentences about one migration; none when the previous build can go on
 */
export function checkMigration(sql: string, earlier = ''): string[] {
  if (/^--\s*contract:\s*\S/m.test(sql)) return [];
  const whole = statementsOf(sql);
  const statements = whole.map(withoutBrackets);
  const refuse = (statement: string) => `is not allowed by the rule in docs/deployment.md: ${statement}`;
  if (sql.startsWith('-- outside a transaction')) {
    return statements
      .filter(
        (at, i) => !isAllowedOutside(at, statements[i - 1]) && !isMadeAgain(at, statements[i + 1], earlier),
      )
      .map(refuse);
  }
  const made = statements.flatMap((statement) => /^create table (\w+)$/.exec(statement)?.[1] ?? []);
  // Rows that another table refers to can be deleted by no build that does not know it.
  const refersToOthers = (statement: string) =>
    [...statement.matchAll(/ references (\w+)/g)].some(([, name]) => !made.includes(name!));
  const faults = statements
    .filter((statement, i) => refersToOthers(whole[i]!) || !isAllowedInside(statement, made))
    .map(refuse);
  const altered = statements.flatMap((statement) => /^alter table (\w+)/.exec(statement)?.[1] ?? []);
  const used = new Set(altered.filter((name) => !made.includes(name)));
  // It keeps the lock on the first while it waits for the second, and a sale does so the other way round.
  if (used.size > 1) faults.push(`locks several tables until its end: ${[...used].join(', ')}`);
  return faults;
}

/** Each in one line and in small letters, without comments, what stands in literals, schema and quotes of names. */
function statementsOf(sql: string): string[] {
  return sql
    .replaceAll('--> statement-breakpoint', ';')
    .replaceAll(/--.*$|\/\*[^]*?\*\/|'(?:[^']|'')*'|\$(\w*)\$[^]*?\$\1\$/gm, (match) =>
      /^['$]/.test(match) ? `''` : ' ',
    )
    .toLowerCase()
    .replaceAll(/"?\bpublic"?\.|"/g, '')
    .split(';')
    .map((statement) => statement.replaceAll(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '');
}

function withoutBrackets(text: string): string {
  const shorter = text.replaceAll(/ ?\([^()]*\) ?/g, ' ');
  return shorter === text ? text.replaceAll(/ +/g, ' ').trim() : withoutBrackets(shorter);
}

/** @returns what is wrong with the migrations since the first build, and how many of them there are */
export async function checkMigrations(folder = ownMigrations): Promise<{ read: number; faults: string[] }> {
  const names = await migrationNames(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, `${name}.sql`), 'utf8')));
  const faults = texts.flatMap((sql, i) =>
    i < founding
      ? []
      : checkMigration(sql, texts.slice(0, i).join('\n')).map((fault) => `${names[i]} ${fault}`),
  );
  return { read: names.length - founding, faults };
}

/** The commit before the one that brought the newest migration; undefined where the history is not at hand. */
export async function commitBeforeNewestMigration(): Promise<string | undefined> {
  const newest = (await migrationNames(ownMigrations)).at(-1)!;
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
