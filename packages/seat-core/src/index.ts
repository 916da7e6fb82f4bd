export { runMigrations, type MigrateOptions } from './migrate.ts';
