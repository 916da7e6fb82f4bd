import { StackError } from '@ticketing/testkit';

export const startUsage = `npm start                 PostgreSQL, Redis and the three services, until Ctrl-C
npm start -- --fresh      the same, on an emptied PostgreSQL and Redis
npm start -- --help       this text

DATABASE_URL, REDIS_URL   use these servers; else private ones keep their data in .data
BOOKING_API_PORT, PAYMENT_API_PORT, EXPIRY_WORKER_PORT, HOST
                          where the services listen (3001, 3002, 3003, 127.0.0.1)
TICKETING_DATA_DIR        another folder than .data
`;

export interface StartArguments {
  readonly fresh: boolean;
  readonly help: boolean;
}

/** @throws StackError for anything it does not know: a misspelt --fresh must not start on old data */
export function parseStartArguments(args: readonly string[]): StartArguments {
  const unknown = args.find((arg) => !['--fresh', '--help', '-h'].includes(arg));
  if (unknown !== undefined)
    throw new StackError(`npm start does not know "${unknown}".\n\n${startUsage.trimEnd()}`);
  return { fresh: args.includes('--fresh'), help: args.includes('--help') || args.includes('-h') };
}
