import { StackError } from '@ticketing/testkit';

const usage = `npm start                 PostgreSQL, Redis and the three services, until Ctrl-C
npm start -- --fresh      the same, on an emptied PostgreSQL and Redis
npm start -- --help       this text

DATABASE_URL, REDIS_URL   use these servers; else private ones keep their data in .data
BOOKING_API_PORT, PAYMENT_API_PORT, EXPIRY_WORKER_PORT, HOST
                          where the services listen (3001, 3002, 3003, 127.0.0.1)
TICKETING_DATA_DIR        another folder than .data`;

export interface StartOptions {
  readonly fresh: boolean;
  /** The help text, if it was asked for. */
  readonly help: string | undefined;
  /** Named servers; undefined starts a private one. */
  readonly databaseUrl: string | undefined;
  /** The owner's connection, for migrations only. */
  readonly migrateDatabaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

/**
 * Reads the arguments and the named servers of `npm start`.
 *
 * @throws StackError for an unknown argument, since a misspelt --fresh must not start on old data; for --fresh on named
 * servers; and for a mixture of a private server and a named one of the same kind
 */
export function startOptions(args: readonly string[], env: NodeJS.ProcessEnv): StartOptions {
  const unknown = args.find((arg) => !['--fresh', '--help', '-h'].includes(arg));
  if (unknown !== undefined) throw new StackError(`npm start does not know "${unknown}".\n\n${usage}`);
  const fresh = args.includes('--fresh');
  const valueOf = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const named = ['DATABASE_URL', 'REDIS_URL'].filter((name) => valueOf(name) !== undefined);
  if (fresh && named.length > 0) {
    throw new StackError(
      `--fresh empties the private PostgreSQL and Redis only; it is refused while ${named.join(' and ')} is set.`,
    );
  }
  for (const [name, main] of [
    ['MIGRATE_DATABASE_URL', 'DATABASE_URL'],
    ['DATABASE_REPLICA_URL', 'DATABASE_URL'],
    ['QUEUE_REDIS_URL', 'REDIS_URL'],
  ] as const) {
    if (valueOf(name) !== undefined && !named.includes(main)) {
      throw new StackError(
        `${name} is set without ${main}: one server would be yours and the other a private one.`,
      );
    }
  }
  const databaseUrl = valueOf('DATABASE_URL');
  return {
    fresh,
    help: args.includes('--help') || args.includes('-h') ? usage : undefined,
    databaseUrl,
    migrateDatabaseUrl: valueOf('MIGRATE_DATABASE_URL') ?? databaseUrl,
    redisUrl: valueOf('REDIS_URL'),
  };
}
