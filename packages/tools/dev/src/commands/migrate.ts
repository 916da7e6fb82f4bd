import { runMigrations, serviceRoleOf } from '@ticketing/seat-core/admin';
import { StackError } from '@ticketing/testkit';

/** `npm run db:migrate`: migrates the database that the environment names. */
export async function run(): Promise<number> {
  const { MIGRATE_DATABASE_URL: ownerUrl = '', DATABASE_URL: url = '' } = process.env;
  const databaseUrl = ownerUrl === '' ? url : ownerUrl;
  if (databaseUrl === '') {
    throw new StackError(
      'Set MIGRATE_DATABASE_URL or DATABASE_URL to the database to migrate. npm start migrates its own.',
    );
  }
  const serviceRole = serviceRoleOf(databaseUrl, url);
  await runMigrations({
    databaseUrl,
    ...(serviceRole === undefined ? {} : { serviceRole }),
    onProgress: (message) => process.stdout.write(`migrate: ${message}\n`),
  });
  return 0;
}
