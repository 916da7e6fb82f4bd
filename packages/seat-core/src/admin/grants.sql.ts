import { serviceRights } from '../postgres/service-rights.ts';

/**
 * Grants the rights of the services, and the right to read which migrations were applied.
 *
 * @param role a quoted identifier
 */
export const grantsOf = (role: string): readonly string[] => [
  `grant usage on schema public to ${role}`,
  ...serviceRights.map(
    ({ privilege, table, columns }) =>
      `grant ${privilege}${columns === undefined ? '' : ` (${columns.join(', ')})`} on ${table} to ${role}`,
  ),
  `grant usage on schema drizzle to ${role}`,
  `grant select on drizzle.__drizzle_migrations to ${role}`,
  grantStatisticsTo(role),
];

/**
 * The right to see that another role's commit waits for a synchronous standby. Not every owner of tables may grant it; the
 * start-up check warns where it is needed and missing.
 */
function grantStatisticsTo(role: string): string {
  return `do $$
begin
  grant pg_read_all_stats to ${role};
exception when insufficient_privilege then
  null;
end
$$`;
}
