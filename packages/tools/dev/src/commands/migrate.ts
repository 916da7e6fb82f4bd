import { runMigrations, serviceRoleOf } from '@ticketing/seat-core/admin';
import { StackError } from '@ticketing/testkit';

/** `npm run db:migrate`: brings a database that was named to the schema of this checkout. */
export async function run(): Promise<number> {
  const { MIGRATE_DATABASE_URL: ownerUrl, DATABASE_URL: url } = process.env;
  const databaseUrl = ownerUrl === undefined || ownerUrl === '' ? url : ownerUrl;
  if (databaseUrl === undefined || databaseUrl === '') {
    throw new StackError(
      'Set MIGRATE_DATABASE_URL or DATABASE_URL to the database to migrate. That of npm start is migrated by npm start.',
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
