import { StackError } from '@ticketing/testkit';

/** Servers that exist and were named; undefined: a private one is started. */
export interface ServerChoice {
  readonly databaseUrl: string | undefined;
  /** The owner's connection, for migrations only. */
  readonly migrateDatabaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

/** Reads whose servers are to be used, and refuses what would mix a private database with a foreign one. */
export function serverChoice(env: NodeJS.ProcessEnv, isFresh: boolean): ServerChoice {
  const valueOf = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const databaseUrl = valueOf('DATABASE_URL');
  const redisUrl = valueOf('REDIS_URL');
  const given = ['DATABASE_URL', 'REDIS_URL'].filter((name) => valueOf(name) !== undefined);
  if (isFresh && given.length > 0) {
    throw new StackError(
      `--fresh empties the private PostgreSQL and Redis only; it is refused while ${given.join(' and ')} is set.`,
    );
  }
  for (const [name, owner, ownerUrl] of [
    ['MIGRATE_DATABASE_URL', 'DATABASE_URL', databaseUrl],
    ['DATABASE_REPLICA_URL', 'DATABASE_URL', databaseUrl],
    ['QUEUE_REDIS_URL', 'REDIS_URL', redisUrl],
  ] as const) {
    if (valueOf(name) !== undefined && ownerUrl === undefined) {
      throw new StackError(
        `${name} is set without ${owner}: one server would be yours and the other a private one.`,
      );
    }
  }
  return { databaseUrl, redisUrl, migrateDatabaseUrl: valueOf('MIGRATE_DATABASE_URL') ?? databaseUrl };
}
