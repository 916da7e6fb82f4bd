/** What an operator can do, by SQLSTATE. PostgreSQL's own messages may contain rows. */
const remedies: Readonly<Record<string, string>> = {
  '3D000': 'there is no such database',
  '28P01': 'the password is wrong',
  '28000': 'this role may not connect',
  '42P01': 'the database has no tables of this build: run "npm run db:migrate" on it first',
  '42703': 'the tables are of another build: run "npm run db:migrate" first',
  '42501': 'this role may not do that: use the connection of the owner (MIGRATE_DATABASE_URL)',
  '55P03': 'another transaction has locked its seats at this moment: try again later',
};

/** The reason of a failure, as a phrase without credentials. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  const remedy = remedies[code];
  if (remedy !== undefined) return remedy;
  // Node rejects with an AggregateError without a message when a host name has two addresses.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message.replaceAll(/([a-z]+:\/\/)[^\s/]*@/gi, '$1');
}
