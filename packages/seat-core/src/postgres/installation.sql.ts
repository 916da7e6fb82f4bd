import type { Statement } from './statement.ts';

/* What an installation really gives: questions of the start-up check, each answered by the catalog. */

/** By name in the catalog: to_regclass fails for a role that may not use the schema. */
const tableOf = (name: string): string =>
  `(select pg_class.oid from pg_class join pg_namespace schema on schema.oid = relnamespace
    where schema.nspname = 'public' and relname = ${name})`;

export const readServerStatement: Statement = {
  name: 'read-server',
  text: `
select current_setting('server_version') as version, current_setting('server_version_num')::int as "versionNumber",
       current_setting('fsync') as fsync, current_setting('full_page_writes') as "fullPageWrites",
       current_setting('default_transaction_read_only') as "readOnly", pg_is_in_recovery() as standby,
       current_database()::text as database, role.rolname::text as role, role.rolsuper as "isSuperuser",
       current_setting('synchronous_standby_names') as "synchronousStandbys",
       pg_has_role('pg_read_all_stats', 'usage') as "readsStatistics"
from pg_roles role where role.rolname = current_user`,
};

/** $1, $2 table and column of each column of this build: those that are missing. */
export const missingColumnsStatement: Statement = {
  name: 'missing-columns',
  text: `
select wanted.relation || '.' || wanted.name as missing
from unnest($1::text[], $2::text[]) as wanted(relation, name)
where not exists (
  select from pg_attribute
  where attrelid = ${tableOf('wanted.relation')} and attname = wanted.name and not attisdropped
)`,
};

/** $1 tables, $2 privileges, $3 columns or nulls: the rights that the role lacks. A missing table or column lacks none. */
export const missingRightsStatement: Statement = {
  name: 'missing-rights',
  text: `
select distinct wanted.privilege || ' on ' || wanted.relation as missing
from unnest($1::text[], $2::text[], $3::text[]) as wanted(relation, privilege, name)
cross join lateral (select ${tableOf('wanted.relation')} as id) as seen
where not coalesce(
  case when wanted.name is null then has_table_privilege(seen.id, wanted.privilege)
       else has_column_privilege(
         seen.id, (select attnum from pg_attribute where attrelid = seen.id and attname = wanted.name), wanted.privilege
       ) end,
  true)
union all
select 'usage on schema public' where not has_schema_privilege(to_regnamespace('public')::oid, 'usage')`,
};

/** $1 tables: those of which a policy hides rows from the role. */
export const hiddenTablesStatement: Statement = {
  name: 'hidden-tables',
  text: `
select wanted.relation as hidden
from unnest($1::text[]) as wanted(relation)
where row_security_active(${tableOf('wanted.relation')})`,
};

export const newestMigrationStatement: Statement = {
  name: 'newest-migration',
  text: 'select max(created_at) as "createdAt" from drizzle.__drizzle_migrations',
};

/** The same in a primary and its standbys. */
export const systemIdentifierStatement: Statement = {
  name: 'system-identifier',
  text: 'select system_identifier::text as identifier, pg_is_in_recovery() as standby from pg_control_system()',
};
