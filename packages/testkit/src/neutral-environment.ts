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

/** The environment without what configures a service: a test sets such a variable, or it is not set. */
export function neutralEnvironment(): NodeJS.ProcessEnv {
  const removed = new Set(serviceVariables());
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !removed.has(name)));
}
