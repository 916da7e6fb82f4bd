import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '@ticketing/testkit';
import { parse, type AlterTableCmd, type Constraint, type Node, type RangeVar } from 'libpg-query';

/*
 * The rule for schema changes (docs/deployment.md, "Rollout"), as one statement of each shape that is allowed. Names,
 * types, literals and conditions may be others. Anything else is refused: it has not been thought through. PostgreSQL's
 * own parser reads these and the migrations.
 */

const inTransaction = `
  create table t (c text);
  alter table t add column c text;
  alter table t add column c text null;
  alter table t add column c text default 'x';
  alter table t add column c text null default 'x';
  alter table t add column c text not null default 'x';
  alter table t add constraint c check (true) not valid;
  alter table t add constraint c foreign key (c) references t (c) not valid`;

/** A table of the same migration, which no build uses yet, may also get any column, any constraint and its first row. */
const onNewTable = `
  create index i on t (c);
  create unique index i on t (c);
  insert into t default values`;

/** A migration outside a transaction may run twice: each of these can be repeated. */
const outsideTransaction = `
  alter table t validate constraint c;
  drop index concurrently if exists i;
  create index concurrently i on t (c);
  reindex index concurrently i;
  reindex table concurrently t`;

const freeKeys =
  /^(location|arrayBounds|typmods|typemod|tableElts|fk_.*|pk_attrs|index(Including)?Params|accessMethod|whereClause|options)$/;
const nameKeys = /^(relname|colname|conname|idxname|name)$/;

/** @returns each value of this key in the tree, from the outside to the inside */
function valuesOf<T>(tree: unknown, key: string): T[] {
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([name, value]) =>
    name === key ? [value as T] : valuesOf<T>(value, key),
  );
}

/** A literal, or the moment of the migration: one value for all rows, which PostgreSQL stores without writing them. */
function isConstant(value: Node): boolean {
  if ('TypeCast' in value) return value.TypeCast.arg !== undefined && isConstant(value.TypeCast.arg);
  if ('FuncCall' in value) return valuesOf(value, 'sval').join('.') === 'now';
  return 'A_Const' in value && value.A_Const.isnull !== true;
}

function shapeOf(tree: unknown): string {
  return JSON.stringify(tree, (key, value: unknown) => {
    if (freeKeys.test(key) || (key === 'schemaname' && value === 'public')) return undefined;
    if (nameKeys.test(key)) return 'name';
    // `serial` is another value for each row.
    if (key === 'typeName') return valuesOf<string>(value, 'sval').at(-1)?.endsWith('serial') ?? true;
    if (key === 'constraints') return (value as object[]).map(shapeOf).toSorted();
    if (key === 'raw_expr' && isConstant(value as Node)) return 'constant';
    if (key === 'objects') return (value as unknown[]).length;
    if (key === 'AlterTableCmd') return { ...(value as AlterTableCmd), missing_ok: 'either' };
    const isCheck = key === 'Constraint' && (value as Constraint).contype === 'CONSTR_CHECK';
    return isCheck ? { ...(value as Constraint), raw_expr: { A_Const: {} } } : value;
  });
}

interface Statement {
  readonly text: string;
  readonly tree: Node;
  readonly table: string | undefined;
  /** One of each action, where the statement alters a table. */
  readonly shapes: readonly string[];
}

/** @throws Error when PostgreSQL could not parse it */
async function readStatements(migration: string): Promise<Statement[]> {
  // The mark that drizzle-kit writes between statements is a comment for PostgreSQL.
  const sql = Buffer.from(migration.replaceAll('--> statement-breakpoint', ';'));
  const { stmts = [] } = (await parse(sql.toString())) as {
    stmts?: { stmt: Node; stmt_location?: number; stmt_len?: number }[];
  };
  return stmts.map(({ stmt, stmt_location: from = 0, stmt_len: length = sql.length }) => {
    const alter = 'AlterTableStmt' in stmt ? stmt.AlterTableStmt : undefined;
    const each = alter?.cmds?.map((cmd) => ({ AlterTableStmt: { ...alter, cmds: [cmd] } })) ?? [stmt];
    const table = valuesOf<RangeVar>(stmt, 'relation')[0]?.relname;
    const text = String(sql.subarray(from, from + length)).trim();
    return { text, tree: stmt, table, shapes: each.map(shapeOf) };
  });
}

async function shapesOf(sql: string): Promise<Set<string>> {
  return new Set((await readStatements(sql)).flatMap(({ shapes }) => shapes));
}

const allowedInside = await shapesOf(inTransaction);
const allowedOnNew = await shapesOf(onNewTable);
const allowedOutside = await shapesOf(outsideTransaction);

/** @param made tables of the same migration */
function isAllowedInside({ tree, table, shapes }: Statement, made: ReadonlySet<unknown>): boolean {
  // Rows that another table refers to can be deleted by no build that does not know that table.
  if (!valuesOf<RangeVar>(tree, 'pktable').every(({ relname }) => made.has(relname))) return false;
  if (shapes.every((shape) => allowedInside.has(shape))) return true;
  const actions = valuesOf<AlterTableCmd>(tree, 'AlterTableCmd');
  const adds = actions.filter(({ subtype = '' }) => /^AT_Add(Column|Constraint)$/.test(subtype));
  const isAddition = actions.length > 0 && adds.length === actions.length;
  return made.has(table) && (isAddition || shapes.every((shape) => allowedOnNew.has(shape)));
}

/** @param earlier all migrations before: no index that is named there is dropped */
function isAllowedOutside(i: number, all: readonly Statement[], earlier: string): boolean {
  const { shapes } = all[i]!;
  if (shapes.length > 1 || !allowedOutside.has(shapes[0]!)) return false;
  const made = (at: number) => valuesOf<string>(all[at]?.tree, 'idxname')[0];
  const dropped = (at: number) => valuesOf<string>(valuesOf(all[at]?.tree, 'objects'), 'sval').at(-1);
  // A first try that failed left its index there, invalid: an index is dropped before it is made.
  if (made(i) !== undefined) return dropped(i - 1) === made(i);
  const name = dropped(i);
  return name === undefined || (made(i + 1) === name && !new RegExp(`\\b${name}\\b`, 'i').test(earlier));
}

/**
 * Checks one migration by the rule for schema changes.
 *
 * @param earlier the text of all migrations before it
 * @returns one sentence for each finding; none when the build before can go on running
 */
export async function checkMigration(sql: string, earlier = ''): Promise<string[]> {
  if (/^--\s*contract:\s*\S/m.test(sql)) return [];
  const statements = await readStatements(sql);
  const tablesOf = (kind: string) => statements.filter(({ tree }) => kind in tree).map(({ table }) => table);
  const made = new Set(tablesOf('CreateStmt'));
  const isOutside = sql.startsWith('-- outside a transaction');
  const findings = statements
    .filter((statement, i) =>
      isOutside ? !isAllowedOutside(i, statements, earlier) : !isAllowedInside(statement, made),
    )
    .map(({ text }) => `is not allowed by the rule in docs/deployment.md: ${text}`);
  const used = new Set(tablesOf('AlterTableStmt').filter((table) => !made.has(table)));
  // It keeps the lock on the first while it waits for the second; a sale may take them in the other order.
  if (!isOutside && used.size > 1)
    findings.push(`locks several tables until its end: ${[...used].join(', ')}`);
  return findings;
}

const ownMigrations = join(repositoryRoot, 'packages/seat-core/migrations');

/** The first migrations made the schema of the first build: no earlier build reads it. */
const founding = 2;

/** @returns the findings in the migrations since the first build, and how many migrations those are */
export async function checkMigrations(folder = ownMigrations): Promise<{ read: number; findings: string[] }> {
  const journal = await readFile(join(folder, 'meta/_journal.json'), 'utf8');
  const { entries } = JSON.parse(journal) as { entries: { tag: string }[] };
  const texts = await Promise.all(entries.map(({ tag }) => readFile(join(folder, `${tag}.sql`), 'utf8')));
  const findings: string[] = [];
  for (let i = founding; i < entries.length; i += 1) {
    for (const finding of await checkMigration(texts[i]!, texts.slice(0, i).join('\n')))
      findings.push(`${entries[i]!.tag} ${finding}`);
  }
  return { read: entries.length - founding, findings };
}
