import pg from 'pg';
import {
  adminSettings,
  dropsSettings,
  UnmetSettingsError,
  type SessionSetting,
  type UnmetSetting,
} from './session-settings.ts';
import { readSettings, setAfterConnect } from './session.sql.ts';
import { valueTypes } from './value-types.ts';

/** Parameters of a URL that the driver would prefer to ours. */
const ownParameters = /^(statement_timeout|lock_timeout|idle_in_transaction_session_timeout|query_timeout)=/;
const optionsParameter = /^options=/;

/**
 * The part of a driver's configuration that sends the settings in the first message of a connection: they win over
 * `alter database`, `alter role` and the URL's own, and a reload of the server leaves them. What they fix, such as the
 * form of timestamps, `valueTypes` reads.
 */
export function sessionConfig(
  databaseUrl: string,
  settings: readonly SessionSetting[],
): { readonly connectionString: string; readonly options: string; readonly types: typeof valueTypes } {
  const [address = '', query = ''] = databaseUrl.split(/\?(.*)/s);
  const parameters = query.split('&').filter((parameter) => !ownParameters.test(parameter));
  const kept = parameters.filter((parameter) => !optionsParameter.test(parameter)).join('&');
  const theirs = parameters
    .filter((parameter) => optionsParameter.test(parameter))
    .map((parameter) => new URLSearchParams(parameter).get('options'));
  const ours = settings.filter(({ how }) => how === undefined).map(toFlag);
  return {
    connectionString: kept === '' ? address : `${address}?${kept}`,
    // Of two values for one setting PostgreSQL takes the later one.
    options: [...theirs, ...ours].join(' '),
    types: valueTypes,
  };
}

function toFlag({ name, values: [value] }: SessionSetting): string {
  return `-c ${name}=${value.replaceAll(/[\\ ]/g, '\\$&')}`;
}

/**
 * Sets on a new connection what cannot be sent at connect, and reads every setting back.
 *
 * @param limitMs for the answer
 * @throws UnmetSettingsError
 */
export async function checkSession(
  client: pg.ClientBase,
  settings: readonly SessionSetting[],
  limitMs: number,
): Promise<void> {
  const names = settings.map(({ name }) => name);
  const query = (text: string, values?: readonly unknown[]) => {
    const config = { text, ...(values === undefined ? {} : { values: [...values] }), query_timeout: limitMs };
    return client.query<{ found: (string | null)[] }>(config);
  };
  const [, { rows }] = await Promise.all([query(setAfterConnect), query(readSettings, [names])]);
  const found = rows[0]?.found ?? [];
  const unmet = settings.flatMap(({ name, values, advice = dropsSettings }, index): UnmetSetting[] => {
    const value = found[index];
    // A server older than the setting has not got it.
    if (value === null || value === undefined || values.includes(value)) return [];
    return [{ name, found: value === '' ? 'empty' : value, wanted: values.join(' or '), advice }];
  });
  if (unmet.length > 0) throw new UnmetSettingsError(unmet);
}

export interface AdminClientOptions {
  readonly databaseUrl: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** As PostgreSQL shows it: `10min`. Default none. */
  readonly statementTimeout?: string;
  /** Ends a query whose server is frozen. */
  readonly queryTimeoutMs?: number;
}

const adminConnectMs = 5_000;

/** A connection of its own for migration, audit and retention, not connected yet: `connectAdmin` connects it. */
export function createAdminClient(options: AdminClientOptions): pg.Client {
  return new pg.Client({
    ...sessionConfig(options.databaseUrl, adminSettings(options.statementTimeout)),
    application_name: options.applicationName,
    connectionTimeoutMillis: adminConnectMs,
    keepAlive: true,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
  });
}

/** @throws UnmetSettingsError; the driver's error when PostgreSQL cannot be reached */
export async function connectAdmin(client: pg.Client, statementTimeout?: string): Promise<void> {
  await client.connect().catch(explainRefusal);
  await checkSession(client, adminSettings(statementTimeout), adminConnectMs);
}

/** A pooler that takes no settings at connect refuses the connection with a protocol violation. */
export function explainRefusal(cause: unknown): never {
  if (cause instanceof pg.DatabaseError && /startup parameter/i.test(cause.message)) {
    throw new Error(`${cause.message}: ${dropsSettings}`, { cause });
  }
  throw cause;
}
