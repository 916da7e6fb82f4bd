import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './folders.ts';

/**
 * Every variable that configures a service. `.env.example` names them all: it is generated from the services'
 * configuration schemas, and `check:docs` fails when it is out of date.
 */
export function serviceVariables(): string[] {
  const example = readFileSync(join(repositoryRoot, '.env.example'), 'utf8');
  const names = [...example.matchAll(/^(?:# ?)?([A-Z][A-Z_]+)=/gm)].map(([, name = '']) => name);
  return [...names, 'MIGRATE_DATABASE_URL'];
}

/**
 * Removes from this process, and so from its children, each variable by which PostgreSQL's drivers and programs complete a
 * connection string: PGSSLMODE, PGOPTIONS and about forty others describe a server of the user's, not a private one.
 *
 * @returns the names of those that were set
 */
export function dropDriverVariables(): string[] {
  const names = Object.keys(process.env).filter(isDriverVariable);
  for (const name of names) delete process.env[name];
  return names;
}

/** The environment without what configures a service or a driver: a test sets such a variable, or it is not set. */
export function neutralEnvironment(): NodeJS.ProcessEnv {
  const removed = new Set(serviceVariables());
  return without((name) => removed.has(name) || isDriverVariable(name));
}

/**
 * The environment of a private server. PostgreSQL's server reads variables of its drivers, too (PGDATESTYLE), and a server
 * of either kind may refuse to start in a locale that this machine lacks.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return {
    ...without((name) => isDriverVariable(name) || /^(LANG|LANGUAGE|LC_.*)$/.test(name)),
    LC_ALL: 'C',
  };
}

function isDriverVariable(name: string): boolean {
  return /^PG[A-Z]/.test(name);
}

function without(isRemoved: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isRemoved(name)));
}
