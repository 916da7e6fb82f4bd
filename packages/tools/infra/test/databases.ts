import pg from 'pg';

/** One statement on a connection of its own. */
export async function runSql<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

let databases = 0;

export interface EmptyDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** A database without a table on the same server, gone afterwards. */
export async function createEmptyDatabase(serverUrl: string): Promise<EmptyDatabase> {
  databases += 1;
  const name = `empty_${process.pid}_${databases}`;
  await runSql(serverUrl, `create database ${name}`);
  return {
    name,
    url: urlOf(serverUrl, name),
    [Symbol.asyncDispose]: async () => {
      await runSql(serverUrl, `drop database ${name} with (force)`);
    },
  };
}

/** The same server and role, another database. */
export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
