import { groupBy } from '../group-by.ts';

/** A setting of PostgreSQL that the code relies on, whatever the server, the database or the role say. */
export interface SessionSetting {
  readonly name: string;
  /** As PostgreSQL shows it. Of several values the first is the one that is set; the others hold, too. */
  readonly values: readonly [string, ...string[]];
  /** What would happen without it. */
  readonly why: string;
  /** Absent when it is sent at connect: this wins over `alter database` and `alter role`. */
  readonly how?: 'set after connect' | 'only checked';
  /** What a person can do when it does not hold. Default: something drops what is sent at connect. */
  readonly advice?: string;
}

const sent = (name: string, value: string, why: string): SessionSetting => ({ name, values: [value], why });

/** Of every connection: what values mean, and what a commit and a refusal are. */
const commonSettings: readonly SessionSetting[] = [
  {
    name: 'server_encoding',
    values: ['UTF8'],
    why: 'names have any letter',
    how: 'only checked',
    advice: `make a database with "create database … encoding 'UTF8' template template0" and move the data there`,
  },
  {
    name: 'client_encoding',
    values: ['UTF8'],
    why: 'the driver reads and writes UTF-8',
    how: 'only checked',
    advice: 'connect to PostgreSQL itself: something between changes the encoding of the connection',
  },
  {
    name: 'session_replication_role',
    values: ['origin'],
    why: 'the triggers and foreign keys guard the tables',
    how: 'only checked',
    advice: 'run "alter role … reset session_replication_role", and the same for the database',
  },
  sent('DateStyle', 'ISO, MDY', 'the driver reads times in ISO form'),
  sent('TimeZone', 'UTC', 'times are read in UTC, and a day has 24 hours'),
  sent('extra_float_digits', '1', 'numbers arrive without loss'),
  sent('bytea_output', 'hex', 'the driver reads bytes as hex'),
  sent('standard_conforming_strings', 'on', 'a backslash in a text is a backslash'),
  sent('array_nulls', 'on', 'a null in a list is no text "NULL"'),
  sent('search_path', 'public,pg_temp', 'no other schema has tables or functions of these names'),
  sent('default_transaction_isolation', 'read committed', 'a statement sees what was committed before it'),
  sent('exit_on_error', 'off', 'a refused statement does not end the connection'),
  sent('row_security', 'off', 'a policy that hides rows is an error, not an empty answer'),
  sent('idle_session_timeout', '0', 'the pool keeps its connections'),
  {
    name: 'synchronous_commit',
    values: ['on', 'remote_apply'],
    why: 'what was acknowledged survives a crash',
    how: 'set after connect',
  },
  {
    name: 'transaction_timeout',
    values: ['0'],
    why: 'PostgreSQL 17: the limits are those of statements and locks',
    how: 'set after connect',
  },
];

/** Of the connections of requests, besides. The time limits nest: waiting for a lock, for the statement, for its answer. */
export const requestSettings: readonly SessionSetting[] = [
  ...commonSettings,
  sent('lock_timeout', '300ms', 'a request waits this long for a lock'),
  sent('statement_timeout', '1s', 'a statement whose request was given up ends'),
  sent('idle_in_transaction_session_timeout', '5s', 'a process that hangs keeps no locks'),
  // No frequent statement should read a whole table, which looks cheap while the table is small. Without sequential
  // scans some plans look expensive that are not, and PostgreSQL would compile them: 40 ms for a statement of 1 ms.
  sent('enable_seqscan', 'off', 'no plan reads a whole table because it is small at the time'),
  sent('enable_indexscan', 'on', 'statements find their rows by index'),
  sent('enable_bitmapscan', 'on', 'statements find their rows by index'),
  sent('enable_nestloop', 'on', 'statements look seats up one by one'),
  // With `auto` the lengths of the lists in the first five calls decide whether PostgreSQL plans a statement at every
  // call from then on: 1 ms for one of 1 ms.
  sent('plan_cache_mode', 'force_generic_plan', 'a frequent statement is planned once'),
  sent('jit', 'off', 'PostgreSQL compiles no statement of a millisecond'),
];

/** Of the connections of migration, audit and retention, besides. How long a migration may wait for a lock is its role's to say. */
export const adminSettings = (statementTimeout = '0'): readonly SessionSetting[] => [
  ...commonSettings,
  sent('statement_timeout', statementTimeout, 'a long statement of a migration is not cut off half-way'),
  sent('idle_in_transaction_session_timeout', '0', 'a slow reader keeps its transaction'),
];

/** A setting that does not hold on a connection. */
export interface UnmetSetting {
  readonly name: string;
  readonly found: string;
  readonly wanted: string;
  readonly advice: string;
}

/** A connection has not the settings that the code relies on. The message says what to do. */
export class UnmetSettingsError extends Error {
  override readonly name = 'UnmetSettingsError';
  readonly unmet: readonly UnmetSetting[];

  constructor(unmet: readonly UnmetSetting[], options?: ErrorOptions) {
    // One sentence for all settings with the same remedy.
    const byAdvice = groupBy(unmet, ({ advice }) => advice);
    const sentences = [...byAdvice].map(
      ([advice, settings]) => `${settings.map(describe).join('; ')}: ${advice}.`,
    );
    super(sentences.join(' '), options);
    this.unmet = unmet;
  }
}

function describe({ name, found, wanted }: UnmetSetting): string {
  return `${name} is ${found} and must be ${wanted}`;
}

/** The advice for a setting that was sent at connect and does not hold. */
export const dropsSettings =
  'what is sent at connect does not reach PostgreSQL; give the address of PostgreSQL itself, not of a pooler such as PgBouncer';
