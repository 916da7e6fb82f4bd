import { runMigrations, serviceRoleOf } from './migrate.ts';

/* The only file of seat-core that reads the environment: `ps` would show a URL on the command line. */
const databaseUrl = process.env['MIGRATE_DATABASE_URL'] ?? process.env['DATABASE_URL'];

if (databaseUrl === undefined || databaseUrl === '') {
  process.stderr.write('Set MIGRATE_DATABASE_URL or DATABASE_URL to the database to migrate.\n');
  process.exitCode = 1;
} else {
  try {
    const serviceRole = serviceRoleOf(databaseUrl, process.env['DATABASE_URL']);
    await runMigrations({
      databaseUrl,
      ...(serviceRole === undefined ? {} : { serviceRole }),
      onProgress: (message) => process.stdout.write(`migrate: ${message}\n`),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    process.stderr.write(`migrate: failed: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exitCode = 1;
  }
}
